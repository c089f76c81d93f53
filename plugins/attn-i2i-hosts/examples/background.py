"""Train every host with and without an attention head on emoji over random backgrounds, and measure both backgrounds.

    pip install attn-i2i-hosts attn-i2i-emoji 'attn-i2i[train]'
    python examples/background.py runs/background

Everything lands in the folder: the data, two runs a host, a sheet of test pictures, results.json, table.md. A folder
with finished runs is only measured; an interrupted run goes on. A run takes one to four minutes of one CPU core.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from attn_i2i import load
from attn_i2i.evaluate import evaluate_pairs, translating
from attn_i2i.images.draw import contact_sheet
from attn_i2i.images.read import read_image
from attn_i2i.images.write import to_pil
from attn_i2i.train import train
from attn_i2i_emoji import make

SIDE, SHOWN, MASKS, SEED = 64, 6, 4, 0
# Discriminators that learn in a few hundred steps; networks narrow enough for minutes of one core.
FAST = {"discriminator_norm": "instance", "discriminator_rate": 4.0, "discriminator_scales": 1}
CODES = {**FAST, "width": 12, "discriminator_width": 24, "discriminator_layers": 3, "learning_rate": 3e-4}


class Host(NamedTuple):
    """One host's settings: those of both runs, and the lighter weights with which its masks open."""

    steps: int
    batch_size: int
    options: Mapping[str, Any]
    light: Mapping[str, Any]


# Returning the input satisfies heavy reconstruction at once, so an attention head would stay closed under it.
HOSTS = {
    "discogan": Host(1000, 8, {"width": 16, "discriminator_width": 16, "learning_rate": 5e-4}, {"starting_rate": 0.8}),
    "dualgan": Host(
        900,
        2,
        {"width": 12, "discriminator_width": 24, "discriminator_kind": "patch", "learning_rate": 2e-4},
        {"cycle": 10.0},
    ),
    "unit": Host(450, 2, CODES, {"identity": 0.3, "cycle": 0.3}),
    "munit": Host(450, 2, {**CODES, "mlp_width": 64}, {"identity": 0.3, "content": 0.02, "style": 0.01}),
    "drit": Host(
        300,
        2,
        {"width": 8, "discriminator_scales": 1, "discriminator_content_layers": 1, "learning_rate": 5e-4, "d_iter": 1},
        # Two attributes give two pictures where the masks are open: mode seeking would open them everywhere.
        {"identity": 1.0, "cycle": 1.0, "latent": 0.1, "mode_seeking": 0.0},
    ),
}
COLUMNS = (("background_psnr", "background, PSNR"), ("foreground_l1", "foreground, L1"), ("mask_mean", "mean mask"))


def main() -> None:
    """Train, measure, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--hosts", nargs="+", default=list(HOSTS), choices=HOSTS)
    parser.add_argument("--steps", type=int, default=None, help="Steps of every run [the host's own].")
    parser.add_argument("--device", default=None)
    options = parser.parse_args()
    data = options.folder / "data"
    if not data.is_dir():
        options.folder.mkdir(parents=True, exist_ok=True)
        make(data, size=SIDE, seed=SEED)
    results = {}
    for name in options.hosts:
        for kind, masks in (("plain", 0), ("masked", MASKS)):
            results[f"{name}, {kind}"] = measured(name, kind, masks, data, options)
            print(name, kind, results[f"{name}, {kind}"], flush=True)
    (options.folder / "results.json").write_text(json.dumps(results, indent=2), encoding="utf-8")
    (options.folder / "table.md").write_text(table(results), encoding="utf-8")
    draw(options.folder, options.hosts, data)


def measured(name: str, kind: str, masks: int, data: Path, options: argparse.Namespace) -> dict[str, float | None]:
    """Train one of a host's two and compare its test translations with the truth."""
    host, run = HOSTS[name], options.folder / f"{name}-{kind}"
    train(
        name,
        data,
        run,
        recipe_options={**host.options, "masks": masks, **(host.light if masks else {})},
        resume=run.is_dir(),
        steps=options.steps or host.steps,
        batch_size=host.batch_size,
        crop_size=SIDE,
        load_size=SIDE,
        flip=False,
        ema=0.99,
        seed=SEED,
        sample_every=0,
        workers=0,
        cache=True,
        device=options.device,
    )
    return evaluate_pairs(translating(load(run / "model", direction="A2B")), data)


def table(results: Mapping[str, Mapping[str, float | None]]) -> str:
    """The results in Markdown, below what the untranslated input has."""
    first = next(iter(results.values()))
    lines = [" | ".join(["", *(title for _, title in COLUMNS)]), " | ".join(["---"] * (1 + len(COLUMNS)))]
    lines.append(f"untranslated input | - | {first['input_l1']:.3f} | -")
    for name, row in results.items():
        psnr, l1, mask = (row[key] for key, _ in COLUMNS)
        lines.append(f"{name} | {psnr:.1f} dB | {l1:.3f} | {'-' if mask is None else f'{mask:.2f}'}")
    return "".join(f"| {line} |\n" for line in lines)


def draw(folder: Path, hosts: list[str], data: Path) -> None:
    """sheet.png: a row a test picture with input and truth, then each host's plain, masked and mask."""
    models = {
        name: [load(folder / f"{name}-{kind}/model", direction="A2B") for kind in ("plain", "masked")] for name in hosts
    }
    paths = sorted((data / "testA").iterdir())
    rows = []
    for path in paths[:: max(1, len(paths) // SHOWN)][:SHOWN]:
        row = [("input", read_image(path).rgb), ("truth", read_image(data / "testB" / path.name).rgb)]
        for name, (plain, masked) in models.items():
            result = masked(path)
            mask = torch.zeros_like(result.image) + result.mask
            row += [(name, plain(path).image), ("masked", result.image), ("its mask", mask)]
        rows.append([(label, to_pil(picture.cpu())) for label, picture in row])
    contact_sheet(rows, SIDE).save(folder / "sheet.png")


if __name__ == "__main__":
    main()
