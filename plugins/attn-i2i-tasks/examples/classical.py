"""A classical restoration of dimmed nuclei, to set a trained model against: unsharp mask and gain.

    python classical.py choose NUCLEI             # the options that are best on valA and valB
    python classical.py apply NUCLEI/testA OUT    # with those options, a folder that `attn-i2i evaluate` measures

Each pixel becomes ``b + gain (x - b) + amount (x - blurred x)``, where ``b`` is the picture's median. With a mask, only
pixels above Otsu's threshold of the blurred picture change. It needs scipy and tifffile.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image
from scipy.ndimage import gaussian_filter

GAINS = (1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5)  # nuclei are dimmed to 0.35 to 0.6
AMOUNTS = (0.0, 0.5, 1.0, 1.5)
SIGMAS = (1.0, 2.0, 4.0)  # pixels; the task blurs by about one
BINS = 256  # of the histogram of Otsu's threshold


def otsu(image: np.ndarray) -> float:
    """The threshold with the most variance between its two classes (Otsu 1979)."""
    counts, edges = np.histogram(image, BINS)
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1]
    above = image.size - below
    sums = np.cumsum(counts * centres)
    with np.errstate(invalid="ignore", divide="ignore"):
        between = below * above * (sums[:-1] / below - (sums[-1] - sums[:-1]) / above) ** 2
    return float(centres[int(np.nanargmax(between))])


def restore(image: np.ndarray, gain: float, amount: float, sigma: float, masked: bool) -> np.ndarray:
    """The restored picture, of the type of ``image``."""
    x = image.astype(np.float64)
    blurred = gaussian_filter(x, sigma)
    background = np.median(x)
    answer = background + gain * (x - background) + amount * (x - blurred)
    if masked:
        smooth = gaussian_filter(x, 1.0)
        answer = np.where(smooth > otsu(smooth), answer, x)
    top = np.iinfo(image.dtype).max
    return answer.round().clip(0, top).astype(image.dtype)


def inside_gain(folder: Path, options: tuple[float, float, float, bool]) -> float:
    """Mean over valA of the decibels that the squared error inside nuclei falls by."""
    gains = []
    for path in sorted((folder / "valA").glob("*.tif")):
        image, truth = tifffile.imread(path), tifffile.imread(folder / "valB" / path.name).astype(float)
        inside = np.asarray(Image.open(folder / "masks" / "valA" / f"{path.stem}.png")) > 0
        before, after = (((x - truth)[inside] ** 2).mean() for x in (image, restore(image, *options).astype(float)))
        gains.append(10 * np.log10(before / after))
    return float(np.mean(gains))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, dest="command")
    choosing = commands.add_parser("choose")
    choosing.add_argument("folder", type=Path)
    applying = commands.add_parser("apply")
    applying.add_argument("source", type=Path)
    applying.add_argument("target", type=Path)
    for name, default in (("gain", 2.0), ("amount", 0.0), ("sigma", 1.0)):
        applying.add_argument(f"--{name}", type=float, default=default)
    applying.add_argument("--masked", action="store_true")
    given = parser.parse_args()
    if given.command == "choose":
        for masked in (False, True):
            choices = [(*options, masked) for options in itertools.product(GAINS, AMOUNTS, SIGMAS)]
            best = max(choices, key=lambda options: inside_gain(given.folder, options))
            words = f"--gain {best[0]} --amount {best[1]} --sigma {best[2]}" + " --masked" * masked
            print(f"{words}: {inside_gain(given.folder, best):+.2f} dB inside nuclei on valA")
        return
    given.target.mkdir(parents=True)
    for path in sorted(given.source.glob("*.tif")):
        answer = restore(tifffile.imread(path), given.gain, given.amount, given.sigma, given.masked)
        tifffile.imwrite(given.target / path.name, answer)


if __name__ == "__main__":
    main()
