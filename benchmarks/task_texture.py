"""How much of a KID is fine texture: ``python -m benchmarks.task_texture WORK --data DIR --features SPEC``.

For the models of one task in ``benchmarks.tasks``, the KID on the test pictures, as they are and with outputs and
targets both blurred by a Gaussian. What a blur takes away are patterns of a few pixels, such as those of transposed
convolutions that have not learnt for long.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from statistics import mean

import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import Tensor

import attn_i2i
from attn_i2i.evaluate import kid
from attn_i2i.evaluate.features import Extractor, find_extractor
from attn_i2i.images.folder import list_folder
from benchmarks.machine import describe
from benchmarks.tasks import INPUT, MODELS, folder_of

BLURS = (0.0, 0.7, 1.2)
"""Deviations in pixels."""


def features(extractor: Extractor, pictures: Iterable[Image.Image], blur: float) -> Tensor:
    """Features (N, D) of RGB pictures, blurred by a Gaussian of this deviation in pixels."""
    blurred = (np.asarray(picture.filter(ImageFilter.GaussianBlur(blur))) for picture in pictures)
    return torch.cat(
        [extractor.features(torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None] / 255) for pixels in blurred]
    )


def opened(folder: Path) -> list[Image.Image]:
    """The pictures of a folder as RGB."""
    pictures = []
    for path in list_folder(folder).pictures:
        with Image.open(path) as picture:
            pictures.append(picture.convert("RGB"))
    return pictures


def main() -> None:
    """Print a row for the input and for each model: the KID x 1000 at each blur, as the mean over the seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path, help="a task's folder in that of benchmarks.tasks")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--features", required=True)
    parser.add_argument("--models", nargs="*", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    print(describe())
    extractor = find_extractor(options.features)
    sources, targets = opened(options.data / "testA"), opened(options.data / "testB")
    real = {blur: features(extractor, targets, blur) for blur in BLURS}

    def row(name: str, outputs: list[list[Image.Image]]) -> str:
        means = (mean(kid(features(extractor, each, blur), real[blur])[0] for each in outputs) for blur in BLURS)
        return f"| {name} | " + " | ".join(f"{1000 * value:.0f}" for value in means) + " |"

    print("| model | " + " | ".join(f"blur {blur}" for blur in BLURS) + " |\n|---|" + "--:|" * len(BLURS))
    print(row(INPUT, [sources]))
    for model in options.models:
        folders = [folder_of(options.work, model, seed) / "run" / "model" for seed in range(options.seeds)]
        translators = [attn_i2i.load(folder, direction="A2B", device="cpu") for folder in folders]
        print(row(model, [[translate(each).pil() for each in sources] for translate in translators]), flush=True)


if __name__ == "__main__":
    main()
