"""Train MUNIT with and without an attention head on emoji over random backgrounds, and measure both backgrounds.

    pip install attn-i2i-hosts attn-i2i-tasks 'attn-i2i[train]'
    python examples/background.py runs/background --steps 2000

Everything lands in the folder: the data, one run each, a sheet of test pictures, results.json. A folder with finished
runs is only measured; an interrupted run goes on.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from attn_i2i import load
from attn_i2i.evaluate import evaluate_pairs, table_text, translating
from attn_i2i.images.read import read_image
from attn_i2i.images.write import to_pil
from attn_i2i.train import train
from attn_i2i_tasks import make_emoji
from PIL import Image

SHOWN = 6
# The published weights shut an attention head: returning the input satisfies all of them at once.
LIGHT = {"identity": 0.3, "content": 0.02, "style": 0.01}


def main() -> None:
    """Train, measure, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--width", type=int, default=12)
    parser.add_argument("--masks", type=int, default=4)
    parser.add_argument("--batch-size", type=int, default=2)
    parser.add_argument("--learning-rate", type=float, default=3e-4)
    parser.add_argument("--device", default=None)
    options = parser.parse_args()
    data = options.folder / "data"
    if not data.is_dir():
        options.folder.mkdir(parents=True, exist_ok=True)
        make_emoji(data, size=64, seed=0)
    results = {name: measured(options, data, name, masks) for name, masks in (("plain", 0), ("masked", options.masks))}
    (options.folder / "results.json").write_text(
        json.dumps({**vars(options), "results": results}, default=str, indent=2)
    )
    draw(options.folder, data)


def measured(options: argparse.Namespace, data: Path, name: str, masks: int) -> dict[str, float | None]:
    """Train one of the two and compare its test translations with the truth."""
    run = options.folder / name
    train(
        "munit",
        data,
        run,
        recipe_options={
            "width": options.width,
            "masks": masks,
            "mlp_width": 64,
            "discriminator_width": 32,
            "discriminator_layers": 3,
            "discriminator_scales": 1,
            "discriminator_norm": "instance",
            "discriminator_rate": 4.0,
            "learning_rate": options.learning_rate,
            **(LIGHT if masks else {}),
        },
        resume=run.is_dir(),
        steps=options.steps,
        batch_size=options.batch_size,
        crop_size=64,
        load_size=64,
        flip=False,
        ema=0.99,
        sample_every=0,
        workers=0,
        cache=True,
        device=options.device,
    )
    table = evaluate_pairs(translating(load(run / "model", direction="A2B")), data)
    print(f"\n{name}, {masks} masks\n{table_text(table)}")
    return table


def draw(folder: Path, data: Path) -> None:
    """sheet.png: rows of input, plain, masked, mask, truth."""
    plain, masked = (load(folder / name / "model", direction="A2B") for name in ("plain", "masked"))
    paths = sorted((data / "testA").iterdir())
    paths = paths[:: max(1, len(paths) // SHOWN)][:SHOWN]
    sheet = Image.new("RGB", (5 * 64, 64 * len(paths)))
    for row, path in enumerate(paths):
        result = masked(path)
        mask = torch.zeros_like(result.image) + result.mask
        truth = read_image(data / "testB" / path.name).rgb
        for column, picture in enumerate((result.source, plain(path).image, result.image, mask, truth)):
            sheet.paste(to_pil(picture.cpu()), (64 * column, 64 * row))
    sheet.save(folder / "sheet.png")


if __name__ == "__main__":
    main()
