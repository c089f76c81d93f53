"""What a generator promises."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from ..interfaces import channels_of, only_size
from ..masks import blend
from ..plugins.parts import Part
from ..types import Translation
from .contract import Factory, build, call, check_finite, check_shape, expect, kind
from .network import check_input_gradient, check_network
from .styles import check_styles
from .unchanged import unchanged, unchanged_inputs

SIZES = ((48, 48), (45, 59))  # the second is odd and not square, as pictures are
OTHER_CHANNELS = (1, 5)  # fewer and more than RGB's


def check_generator(generator: Factory, *, domains: int = 0, sizes: Sequence[tuple[int, int]] = SIZES) -> None:
    """Hold a generator, or a factory of one, to what every part of this library relies on.

    It returns a Translation of the input's size at all ``sizes`` (height, width), or at the ``image_size`` that it
    advertises. Images are in [-1, 1], unless they are blended from contents that go beyond. Masks are in [0, 1] and
    leave no negative background; with contents they make the image (`attn_i2i.masks.blend`). In eval mode each image of
    a batch is treated by itself. Every call gives the same, and none changes its arguments, the weights or settings of
    the process. Another target domain gives another image. It computes in float64 and bfloat16, its weights go through
    safetensors, and its factory also builds it on the meta device. Gradients reach the input and every parameter. The
    parameters of submodules that it names in ``auxiliary`` are excepted, because only a recipe calls those. Images have
    the ``channels`` that it advertises, three without. A factory may have an option ``channels``, or ``in_channels``
    and ``out_channels``, that is 3 by default: it must then make networks of one and of five channels, which advertise
    them. A ``style_dim`` that it advertises is that of styles which it reads, image by image, and of what ``style_of``
    gives. ``domains`` is the length of the target label where the generator does not advertise it. Raises
    ContractError.
    """
    module = build(generator).eval()
    domains = int(getattr(module, "domains", 0) or 0) or domains
    channels, _ = advertised(module)
    accepted = _accepted(module, sizes)
    for height, width in accepted:
        _check_size(module, *_inputs(2, channels, height, width, domains))
    image, label = _inputs(2, channels, *accepted[0], domains)
    if domains > 1:
        _check_label(module, *_inputs(1, channels, *accepted[0], domains))
    if hasattr(module, "style_dim"):
        check_styles(module, image, label)
    check_network(generator, lambda m, dtype: _tensors(m, image, label, dtype), {"image": image})
    _check_input_gradient(build(generator), image, label)
    for other in with_other_channels(generator):
        height, width = _accepted(other, sizes)[0]
        other_image, other_label = _inputs(1, channels_of(other)[0], height, width, domains)
        with torch.no_grad():
            check_translation(translate(other.eval(), other_image, other_label), other_image, other)


def _check_size(module: nn.Module, image: Tensor, label: Tensor | None) -> None:
    """Two images of one size, together and the first alone."""
    with torch.no_grad(), unchanged(module):
        together = translate(module, image, label)
        check_translation(together, image, module)
        alone = translate(module, image[:1], None if label is None else label[:1])
    _check_batch(together, alone)
    _check_ranges(module, image, label)
    check_blend(together, image)


def advertised(module: nn.Module) -> tuple[int, int]:
    """The channels that a network takes and makes; ContractError where what it advertises is none."""
    return cast("tuple[int, int]", call(channels_of, module, doing="Reading its channels"))


def with_other_channels(factory: Factory) -> Iterator[nn.Module]:
    """Networks of one and of five channels, of a factory that has the option and must advertise what it was given."""
    if isinstance(factory, nn.Module):
        return
    part = Part("", factory)
    for channels in OTHER_CHANNELS if part.image_channels else ():
        module = call(part.build, {"channels": channels}, doing=f"Building it with channels={channels}")
        advice = "set self.channels in __init__, one number or two as a tuple."
        told = advertised(module)
        expect(told == (channels, channels), f"Built with channels={channels}, it advertises {told}: {advice}")
        yield module


def _accepted(module: nn.Module, sizes: Sequence[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    only = cast("tuple[int, int] | None", call(only_size, module, doing="Reading its image_size"))
    return sizes if only is None else [only]


def _inputs(batch: int, channels: int, height: int, width: int, domains: int) -> tuple[Tensor, Tensor | None]:
    """The same pictures at every call, and labels with one domain each."""
    source = torch.Generator().manual_seed(0)
    image = torch.rand(batch, channels, height, width, generator=source) * 2 - 1
    label = torch.eye(domains)[torch.arange(batch) % domains] if domains else None
    return image, label


def translate(module: nn.Module, image: Tensor, label: Tensor | None) -> Translation:
    """Call a generator as this library does."""
    shape = "x".join(map(str, image.shape))
    doing = f"Calling it as generator(image, {'label' if label is not None else 'None'}) with a {shape} image"
    with unchanged_inputs({"image": image, "domain": label}):
        translation = call(module, image, label, doing=doing)
    advice = "return attn_i2i.Translation(image=...)."
    expect(isinstance(translation, Translation), f"It returned {kind(translation)}, not a Translation: {advice}")
    return translation


def check_translation(translation: Translation, source: Tensor, network: nn.Module | None = None) -> None:
    """Shapes and finiteness of a translation of ``source`` by ``network``, as many channels as it advertises."""
    batch, channels, height, width = source.shape
    channels = channels if network is None else channels_of(network)[1]
    pad = "fit the input to the network and cut the output back (attn_i2i.blocks: pad_to_multiple, crop)."
    check_shape("image", translation.image, (batch, channels, height, width), pad)
    attention, contents = translation.attention, translation.contents
    if contents is not None:
        check_shape("contents", contents, (batch, None, channels, height, width), "one image a foreground mask.")
        expect(attention is not None, "contents come without attention: return the masks they are blended by.")
    if attention is not None:
        check_shape("attention", attention, (batch, None, height, width), "one mask a content, the background's last.")
        masks = attention.shape[1]
        allowed = (masks,) if contents is None else (contents.shape[1], contents.shape[1] + 1)
        count = None if contents is None else contents.shape[1]
        expect(
            masks in allowed,
            f"There are {masks} masks for {count} contents: return {count} or, with the background's, one more.",
        )
    if translation.cam_logits is not None:
        check_shape("cam_logits", translation.cam_logits, (batch, 2), "from average and from max pooling.")
    if translation.heatmap is not None:
        check_shape("heatmap", translation.heatmap, (batch, 1, None, None), "one channel at the features' resolution.")
    check_finite(((name, value) for name, value in translation._asdict().items() if value is not None), "in float32")


def _check_batch(together: Translation, alone: Translation) -> None:
    for name, value in alone._asdict().items():
        if value is not None:
            same = torch.allclose(getattr(together, name)[:1], value, atol=1e-3, rtol=1e-3)
            advice = "no statistics over the batch in eval mode."
            expect(same, f"{name} of an image depends on the rest of its batch in eval(): {advice}")


def _check_label(module: nn.Module, image: Tensor, label: Tensor | None) -> None:
    """Another target gives another image, unless fresh weights hide it: they are shaken here."""
    shaken, target = copy.deepcopy(module), cast(Tensor, label)
    source = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in shaken.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=source))
        images = [translate(shaken, image, wanted).image for wanted in (target, target.roll(1, dims=1))]
    expect(not torch.equal(*images), "Labels of two domains give the same image: let the label reach the output.")


def _check_ranges(module: nn.Module, image: Tensor, label: Tensor | None) -> None:
    """Ranges hold for any weights: also for these, eight times as large, in float64 so that nothing overflows."""
    loud = copy.deepcopy(module).double()
    with torch.no_grad():
        for parameter in loud.parameters():
            parameter.mul_(8)
        check_ranges(translate(loud, image.double(), None if label is None else label.double()))


def check_ranges(translation: Translation) -> None:
    """Masks in [0, 1] with a sum of at most 1; an image in [-1, 1], or within its contents where they go beyond."""
    image, attention, contents = translation.image, translation.attention, translation.contents
    if attention is not None:
        low, high = attention.min().item(), attention.max().item()
        advice = "end in a sigmoid or a softmax."
        expect(low >= 0 and high <= 1 + 1e-4, f"attention lies in [{low:.3g}, {high:.3g}], expected [0, 1]: {advice}")
        most = attention.sum(1).max().item()
        expect(most <= 1 + 1e-3, f"The masks sum to {most:.3g} at a pixel: together they may cover it once (softmax).")
    limit = 1.0 if contents is None else max(1.0, contents.abs().max().item())
    most = image.abs().max().item()
    expect(most <= limit * (1 + 1e-4), f"image reaches {most:.3g}, expected values in [-1, 1]: end in a tanh.")


def check_blend(translation: Translation, source: Tensor) -> None:
    """Where there are contents, they and the masks make the image, with the source behind them or without it."""
    image, attention, contents = translation.image, translation.attention, translation.contents
    if attention is None or contents is None:
        return
    limit = 1e-3 * max(1.0, contents.abs().max().item())
    same = contents.shape[2] == source.shape[1]
    off = min((blend(attention, contents, s) - image).abs().max().item() for s in ((source, None) if same else (None,)))
    advice = "return what attn_i2i.blocks.blend makes of them, or leave contents out."
    expect(off <= limit, f"image is up to {off:.3g} away from its masks and contents: {advice}")


def _tensors(module: nn.Module, image: Tensor, label: Tensor | None, dtype: torch.dtype) -> dict[str, Tensor]:
    translation = translate(module, image.to(dtype), None if label is None else label.to(dtype))
    return {name: value for name, value in translation._asdict().items() if value is not None}


def _check_input_gradient(module: nn.Module, image: Tensor, label: Tensor | None) -> None:
    source = image.clone().requires_grad_()
    translation = translate(module.train(), source, label)
    translation.image.square().mean().backward()
    check_input_gradient(source)
