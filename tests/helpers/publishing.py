"""A model to publish, beside things that are to stay here."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from attn_i2i import create
from attn_i2i.models.build import create_discriminator
from attn_i2i.models.config import DiscriminatorConfig, ModelConfig
from attn_i2i.models.directory import save_model

SMALL = {"width": 4, "blocks": 1}


def save(folder: Path, licence: str | None, scale: float = 1.0) -> Path:
    """A small model with discriminators, beside things that are nobody's business."""
    weights = {key: scale * tensor for key, tensor in create("attentiongan2", **SMALL).state_dict().items()}
    discriminator = create_discriminator("patchgan", width=4).state_dict()
    kept = DiscriminatorConfig("patchgan", {"width": 4}, ["A", "B"])
    config = ModelConfig("attentiongan2", SMALL, ["A2B", "B2A"], discriminators=kept, licence=licence)
    save_model(folder, config, dict.fromkeys(config.directions, weights), dict.fromkeys("AB", discriminator))
    (folder / "notes.txt").write_text("private")
    (folder / "optimizer.pt").write_bytes(b"pickle")
    (folder / "samples").mkdir()
    Image.new("RGB", (8, 8)).save(folder / "samples" / "one.png")
    (folder / "samples" / "list.txt").write_text("private")
    return folder
