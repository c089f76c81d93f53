"""What the card and the loader beside it reach, whatever the network."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch
from torch import nn

from attn_i2i.train.data.folders import two_domains
from attn_i2i.train.options import TrainOptions
from attn_i2i.train.throughput import measure
from benchmarks.gpu_sections.clock import clocked, matrix_peak, tflops
from benchmarks.gpu_sections.engines import BATCHES, write_pictures
from benchmarks.gpu_sections.report import Row, Settings

LOADERS = ((False, 0), (False, 4), (False, 8), (True, 0))  # pictures in memory, and worker processes
SECONDS = 2.0  # that a loader is watched for
COPIED = 2**30  # float32 numbers: 4 GiB, far past the cache


def ceilings(settings: Settings) -> Iterator[Row]:
    """Matrix products, a copy, and the convolution that most of a generator's arithmetic is."""
    products = (("bf16", torch.bfloat16, "highest"), ("float32", torch.float32, "highest"))
    precision = torch.get_float32_matmul_precision()
    for name, dtype, allowed in (*products, ("TF32", torch.float32, "high")):
        torch.set_float32_matmul_precision(allowed)
        yield {"what": f"{name} matrix product", "reached": matrix_peak(settings, dtype), "unit": "TFLOP/s"}
    torch.set_float32_matmul_precision(precision)
    source = torch.randn(2**16 if settings.quick else COPIED, device=settings.device)
    ms = clocked(settings, partial(torch.empty_like(source).copy_, source)).ms
    yield {"what": "copy, read and written", "reached": tflops(2 * source.nbytes, ms), "unit": "TB/s"}
    del source
    for batch in BATCHES[: 1 if settings.quick else None]:
        yield _convolution(settings, batch)


def _convolution(settings: Settings, batch: int) -> Row:
    """256 to 256 channels, 3x3, at 64x64: the residual blocks of a 256x256 picture."""
    conv = nn.Conv2d(256, 256, 3, padding=1).to(settings.device, torch.bfloat16, memory_format=torch.channels_last)
    image = torch.randn(batch, 256, 64, 64, device=settings.device).to(conv.weight)
    image = image.to(memory_format=torch.channels_last)
    with torch.no_grad():
        ms = clocked(settings, partial(conv, image)).ms
    reached = tflops(2 * image[:, 0].numel() * conv.weight.numel(), ms)
    return {"what": f"bf16 3x3 convolution, batch {batch}", "reached": reached, "unit": "TFLOP/s"}


def loader(settings: Settings) -> Iterator[Row]:
    """What the loader delivers of JPEGs here, to set against the pictures that a step takes."""
    size, crop, batch = (36, 32, 2) if settings.quick else (256, 256, 16)
    with tempfile.TemporaryDirectory() as work:
        write_pictures(Path(work), 4 if settings.quick else 64, size, "jpg")
        for cache, workers in LOADERS[:: 3 if settings.quick else 1]:
            options = TrainOptions(crop_size=crop, batch_size=batch, workers=workers, cache=cache)
            rate, _ = measure(two_domains(work), options, 0.05 if settings.quick else SECONDS)
            kept = "in memory" if cache else "from files"
            yield {"JPEGs of 256x256": kept, "workers": workers, "pictures a second": rate}
