"""The README.md of a model folder: a model card that the Hub understands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .card import Card
from .config import ModelConfig

INTENDED = """\
Translating pictures of the kind it was trained on, for research and for play. Other pictures change in ways nobody
has looked at. What the model adds is invented. So a translated face says nothing of the person, and a translated map
nothing of the place."""


def model_card(name: str, config: ModelConfig, card: Card | None = None, samples: Sequence[str] = ()) -> str:
    """Markdown with Hub metadata.

    ``name`` is what ``load`` takes, or ``owner/repo``. ``card`` adds what the zoo knows of the model. ``samples`` are
    the pictures to show, by their paths in the repository.
    """
    title = name.rpartition("/")[2]
    source = f"hf-hub:{name}" if "/" in name else name
    parts = [
        _metadata(config),
        f"# {title}\n\n{card.summary if card else f'Unpaired image-to-image translation by `{config.architecture}`'}.",
        f'```python\nimport attn_i2i\n\ntranslate = attn_i2i.load("{source}")\n'
        f'translate("picture.png"{_call(config)}).save("translated.png")\n```',
        *(f"![{re.split('[./]', path)[-2]}]({path})" for path in samples),
        "## Model\n\n" + "\n".join(_model(config, card)),
        f"## Intended use\n\n{INTENDED}\n\nLicence of the weights: {_licence(config, card)}",
        "## Origin\n\n" + "\n".join(_origin(config, card)),
    ]
    if card and card.figures:
        head = ("## Published figures", "", "| Direction | Measure | Value | Source |", "| --- | --- | --- | --- |")
        rows = (f"| {f.direction or ''} | {f.measure} | {f.value} | {f.source} |" for f in card.figures)
        parts.append("\n".join((*head, *rows)))
    return "\n\n".join(parts) + "\n"


def _metadata(config: ModelConfig) -> str:
    """The front matter, whose licence must be one of the Hub's identifiers or "other" with a name."""
    licence = (config.licence or "unstated").lower()
    if licence == "unstated":
        fields = ["license: unknown"]
    elif re.fullmatch(r"[a-z]+[a-z0-9]*([.-][a-z0-9]+)*", licence):
        fields = [f"license: {licence}"]
    else:
        fields = ["license: other", f"license_name: {re.sub('[^a-z0-9.]+', '-', licence).strip('-')}"]
    tags = ["attn-i2i", "unpaired-image-translation", config.architecture]
    lines = [*fields, "library_name: attn-i2i", "pipeline_tag: image-to-image", "tags:", *(f"- {tag}" for tag in tags)]
    return "\n".join(["---", *lines, "---"])


def _call(config: ModelConfig) -> str:
    return f', domain="{config.domains[0]}"' if config.domains else ""


def _model(config: ModelConfig, card: Card | None) -> Iterator[str]:
    meaning = card.directions if card else {}
    directions = (f"`{name}`" + (f" ({meaning[name]})" if name in meaning else "") for name in config.directions)
    yield f"- Architecture: `{config.architecture}`"
    yield f"- Directions: {', '.join(directions)}"
    options = (f"{key}={value}" for key, value in sorted(config.config.items()))
    yield f"- Configuration: {', '.join(options) or 'as the architecture is by default'}"
    for direction, own in sorted(config.own.items()):
        yield f"- Configuration of `{direction}`: {', '.join(f'{key}={value}' for key, value in sorted(own.items()))}"
    if config.domains:
        yield f"- Domains: {', '.join(config.domains)}"
    if config.discriminators:
        yield f"- Discriminators, to train on from: {', '.join(config.discriminators.names)}"


def _licence(config: ModelConfig, card: Card | None) -> str:
    note = f" {card.licence_note}" if card and card.licence_note else ""
    return f"{config.licence or 'unstated'}.{note}"


def _origin(config: ModelConfig, card: Card | None) -> Iterator[str]:
    for file, digest in sorted(config.provenance.get("source_files", {}).items()):
        yield f"- Converted from `{file}` (sha256 `{digest}`)"
    yield from (f"- Assumed: {text}" for text in config.provenance.get("assumed", ()))
    if left_out := config.provenance.get("left_out"):
        yield f"- Left out: {', '.join(f'`{name}` ({reason})' for name, reason in sorted(left_out.items()))}"
    if verified := config.provenance.get("verified"):
        yield (
            f"- Verified against `{verified['file']}` ({', '.join(verified['outputs'])}): largest error"
            f" {verified['float64_error']:.1e} in float64, {verified['float32_error']:.1e} in float32"
        )
    if card:
        told = (("Paper", card.paper), ("Code", card.code), ("Data", card.data), ("Note", card.note))
        yield from (f"- {label}: {text}" for label, text in told if text)
    yield "- Format: config.json and safetensors of attn-i2i; no code in the files"
