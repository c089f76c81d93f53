"""The README.md of a model directory: a model card that the Hub understands."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .model import ModelConfig


def model_card(name: str, config: ModelConfig) -> str:
    """Markdown with Hub metadata: licence, architecture, directions, where the weights come from, verification."""
    licence = config.licence or "unknown"
    lines = [
        "---",
        f"license: {licence.lower()}",
        "library_name: attn-i2i",
        "pipeline_tag: image-to-image",
        "tags:",
        "- attn-i2i",
        f"- {config.architecture}",
        "---",
        "",
        f"# {name}",
        "",
        f"A `{config.architecture}` model for unpaired image-to-image translation.",
        "",
        "```python",
        "import attn_i2i",
        "",
        f'translator = attn_i2i.load("{name}")',
        'translator("picture.png").save("translated.png")',
        "```",
        "",
        f"- Directions: {', '.join(config.directions)}",
        f"- Configuration: {', '.join(f'{key}={value}' for key, value in sorted(config.config.items()))}",
    ]
    if config.domains:
        lines.append(f"- Domains: {', '.join(config.domains)}")
    for file, digest in sorted(config.provenance.get("source_files", {}).items()):
        lines.append(f"- Converted from `{file}` (sha256 `{digest}`)")
    if verified := config.provenance.get("verified"):
        lines.append(
            f"- Verified against `{verified['file']}` ({', '.join(verified['outputs'])}): largest error"
            f" {verified['float64_error']:.1e} in float64, {verified['float32_error']:.1e} in float32"
        )
    return "\n".join(lines) + "\n"
