"""What a discriminator promises."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..interfaces import channels_of
from ..registry import INTERRUPTIONS
from ..types import AttnI2IError, Verdict
from .contract import Factory, build, call, check_finite, check_shape, expect, kind
from .generators import advertised, with_other_channels
from .network import check_input_gradient, check_network
from .unchanged import unchanged

Pair = tuple[Tensor, Tensor]


def check_discriminator(discriminator: Factory, *, size: int = 128) -> None:
    """Hold a discriminator, or a factory of one, to what every recipe relies on.

    For ``size`` x ``size`` images, or the ``image_size`` that it advertises, and a mask it returns a tuple of Verdicts.
    Without a mask it does the same, or raises one of the library's errors if it is ``masked``. In eval mode each image
    of a batch is treated by itself, every call gives the same, and none changes its arguments, the weights or settings
    of the process. It also builds on the meta device. It computes in float64 and bfloat16, and its weights go through
    safetensors. Gradients reach every parameter and the image. Images have the ``channels`` that it advertises; a
    factory with that option is held to it as a generator's. Raises ContractError.
    """
    module = build(discriminator).eval()
    side = int(getattr(module, "image_size", None) or size)
    source = torch.Generator().manual_seed(0)
    image = torch.rand(2, advertised(module)[0], side, side, generator=source) * 2 - 1
    mask = torch.rand(2, 1, side, side, generator=source)
    with torch.no_grad(), unchanged(module):
        together, alone = _answer(module, image, mask), _answer(module, image[:1], mask[:1])
        _check_batch(together, alone)
        _check_without_mask(module, image)
    inputs = {"image": image, "attention": mask}
    check_network(discriminator, lambda m, dtype: _tensors(_answer(m, image.to(dtype), mask.to(dtype))), inputs)
    seen = image.clone().requires_grad_()
    _answer(build(discriminator).train(), seen, mask)[0].logits.sum().backward()
    check_input_gradient(seen)
    for other in with_other_channels(discriminator):
        with torch.no_grad():
            _answer(other.eval(), torch.zeros(1, channels_of(other)[0], side, side), mask[:1])


def _answer(module: nn.Module, image: Tensor, mask: Tensor | None) -> tuple[Verdict, ...]:
    """Call a discriminator as recipes do, and check what comes back."""
    argument = "mask" if mask is not None else "None"
    verdicts = call(module, image, mask, doing=f"Calling it as discriminator(image, {argument}) with {kind(image)}")
    return check_verdicts(verdicts, image.shape[0])


def check_verdicts(verdicts: object, batch: int) -> tuple[Verdict, ...]:
    """Types, shapes and finiteness of what a discriminator returned for ``batch`` images."""
    right = type(verdicts) is tuple and verdicts and all(isinstance(verdict, Verdict) for verdict in verdicts)
    advice = "return a tuple with one attn_i2i.Verdict(logits=...) a scale, also where there is one."
    expect(right, f"It returned {kind(verdicts)}, not a tuple of Verdicts: {advice}")
    for verdict in verdicts:  # type: ignore[attr-defined]
        check_shape("logits", verdict.logits, (batch, 1, None, None), "one logit a patch.")
        if verdict.cam_logits is not None:
            check_shape("cam_logits", verdict.cam_logits, (batch, 2), "from average and from max pooling.")
        if verdict.class_logits is not None:
            check_shape("class_logits", verdict.class_logits, (batch, None), "one logit a domain.")
        if verdict.heatmap is not None:
            check_shape("heatmap", verdict.heatmap, (batch, 1, None, None), "one channel.")
    check_finite(_tensors(verdicts).items(), "in float32")  # type: ignore[arg-type]
    return verdicts  # type: ignore[return-value]


def _tensors(verdicts: tuple[Verdict, ...]) -> dict[str, Tensor]:
    return {
        f"{name} of scale {scale}": value
        for scale, verdict in enumerate(verdicts)
        for name, value in verdict._asdict().items()
        if value is not None
    }


def _check_batch(together: tuple[Verdict, ...], alone: tuple[Verdict, ...]) -> None:
    whole = _tensors(together)
    for name, value in _tensors(alone).items():
        same = torch.allclose(whole[name][:1], value, atol=1e-3, rtol=1e-3)
        expect(same, f"{name} depends on the rest of the batch in eval(): no statistics over the batch in eval mode.")


def _check_without_mask(module: nn.Module, image: Tensor) -> None:
    try:
        verdicts = module(image)
    except AttnI2IError as error:
        advice = "set masked = True on the module, so that recipes show it one."
        expect(getattr(module, "masked", False), f"It needs a mask and does not say so ({error}): {advice}")
        return
    except INTERRUPTIONS:
        raise
    except BaseException as error:
        advice = "accept attention=None, or raise attn_i2i.types.ShapeError where a mask is needed."
        expect(False, f"Calling it without attention raised {type(error).__name__}: {advice}")
    check_verdicts(verdicts, image.shape[0])
