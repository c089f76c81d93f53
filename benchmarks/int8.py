"""A model in 8 bits against itself in float32: ``python -m benchmarks.int8 MODEL --calibrate DIR --test DIR``.

The graph is exported and calibrated on one folder of pictures, and measured on another one. The PSNR is that of its
pictures to the float32 network's, over all test pictures, as the export measures it: 100 dB at most. All ways share the
pictures and one process, and take turns; times are processor time, which other work disturbs least. Each is set against
the torch run of the same turn: PyTorch's own convolutions in float32, as with ``ATTN_I2I_TUNE=off``.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

import attn_i2i
from attn_i2i.export import RuntimeGenerator, export_model
from attn_i2i.export.compare import answer_of, psnr
from attn_i2i.export.graph import Example
from attn_i2i.images.folder import list_folder
from attn_i2i.images.read import read_image
from benchmarks.inference import take_turns
from benchmarks.machine import describe

Images = list[Tensor]
LABEL = 0  # of multi-domain models: the first one, since all go through the same layers


def pictures(folder: Path, size: int, most: int) -> Images:
    """Up to ``most`` pictures spread over the folder, (1, C, size, size) in [-1, 1]."""
    files = list_folder(folder, recursive=True).pictures
    chosen = files[:: max(1, len(files) // most)][:most]
    values = [read_image(file).values[None] * 2 - 1 for file in chosen]
    return [
        torch.nn.functional.interpolate(v, (size, size), mode="bicubic", antialias=True).clamp(-1, 1) for v in values
    ]


def ways(model: str, direction: str, calibrate: Path, work: Path, least_psnr: float) -> dict[str, torch.nn.Module]:
    """The network itself, and its graphs in float32 and 8 bits for both runtimes."""
    modules: dict[str, torch.nn.Module] = {"torch": attn_i2i.load(model, direction=direction, device="cpu").generator}
    for name, options in {"fp32": {}, "int8": {"int8": True, "calibrate": calibrate, "least_psnr": least_psnr}}.items():
        for runtime, suffix in (("onnx", ".onnx"), ("openvino", ".xml")):
            folder = work / f"{runtime}-{name}"
            export_model(model, folder, format=runtime, direction=direction, **options)  # type: ignore[arg-type]
            modules[f"{runtime} {name}"] = RuntimeGenerator(folder / f"{direction}{suffix}", runtime)  # type: ignore[arg-type]
    return modules


def example(module: torch.nn.Module, image: Tensor) -> Example:
    """``image``, with the first label where the module takes labels."""
    count = int(getattr(module, "domains", 0) or 0)
    return Example(image, torch.eye(count)[[LABEL]] if count else None)


def forward_of(module: torch.nn.Module) -> Callable[[Tensor], Tensor]:
    """The image that a module gives."""
    return lambda image: answer_of(module, example(module, image))[0].clamp(-1, 1)


def measured(arguments: argparse.Namespace, direction: str, work: Path) -> list[str]:
    """Rows of the table for one direction; the sheet of pictures where one is asked for."""
    modules = ways(arguments.model, direction, arguments.calibrate, work, arguments.least_psnr)
    forwards = {name: forward_of(module) for name, module in modules.items()}
    images = pictures(arguments.test, arguments.size, arguments.pictures)
    examples = [example(modules["torch"], image) for image in images]
    times = take_turns(forwards, images[0], arguments.rounds, time.process_time)
    rows = []
    for name, seconds in times.items():
        faster = statistics.median(a / b for a, b in zip(times["torch"], seconds, strict=True))
        decibels = "" if name == "torch" else f"{psnr(modules['torch'], modules[name], examples):.1f}"
        rows.append(
            f"| {Path(arguments.model).name} | {direction} | {name} | {statistics.median(seconds) * 1e3:.1f} |"
            f" {faster:.2f} | {decibels} |"
        )
    if arguments.sheet:
        columns = images, *([forwards[name](image) for image in images] for name in ("torch", "openvino int8"))
        _sheet(*columns, path=arguments.sheet / f"{direction}.png")
    return rows


def _sheet(images: Images, float32: Images, int8: Images, *, path: Path) -> None:
    rows = [torch.cat([(part[0] + 1) / 2 for part in row], -1) for row in zip(images, float32, int8, strict=True)]
    values = torch.cat(rows[:4], -2).clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).numpy()
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--calibrate", type=Path, required=True, help="folder of pictures to calibrate by")
    parser.add_argument("--test", type=Path, required=True, help="folder of other pictures to measure on")
    parser.add_argument("--directions", nargs="+", help="all unless given")
    for name, default in (("size", 256), ("pictures", 24), ("threads", 1), ("rounds", 9)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--least-psnr", type=float, default=0.0, help="see attn-i2i export; 0 measures whatever comes")
    parser.add_argument("--sheet", type=Path, help="folder for a picture of input, float32 and int8 side by side")
    return parser.parse_args()


@torch.inference_mode()
def main() -> None:
    """Print the table of one model."""
    os.environ["ATTN_I2I_TUNE"] = "off"
    arguments = parsed()
    torch.set_num_threads(arguments.threads)
    print(f"{describe()}; {arguments.size}x{arguments.size}, batch 1, {arguments.threads} threads,", end=" ")
    print(f"{arguments.rounds} rounds, PSNR on {arguments.pictures} pictures.\n")
    print("| model | direction | way | CPU ms | times faster | PSNR, dB |\n|---|---|---|--:|--:|--:|")
    for direction in arguments.directions or attn_i2i.load(arguments.model).directions:
        with tempfile.TemporaryDirectory() as work:
            print("\n".join(measured(arguments, direction, Path(work))), flush=True)


if __name__ == "__main__":
    main()
