"""Stacks through a network: each plane as if it were translated alone, in one file again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from torch import Tensor, nn

from attn_i2i.images.stack import StackWriter
from attn_i2i.translate.batch import translate_files
from attn_i2i.translate.jobs import plan_jobs
from attn_i2i.types import Translation

from .helpers.commands import Run, files, write_model
from .helpers.depths import HEIGHT, WIDTH
from .helpers.translators import Brighten, translator

PLANES = 3


class Cells(Brighten):
    """Brighten for one channel."""

    channels = 1


def stack(path: Path | str, planes: int = PLANES, dtype: str = "uint16") -> np.ndarray[Any, Any]:
    values = np.random.default_rng(planes).integers(0, 256, (planes, HEIGHT, WIDTH)).astype(dtype) * 257
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, values, ome=True, metadata={"axes": "ZYX"})
    return values


def run(source: Path, target: Path, network: nn.Module | None = None, **options: Any) -> Any:
    jobs = plan_jobs([source], target, attention=options.get("attention", False)).jobs
    return translate_files(translator(network or Cells()), jobs, page="all", **options)


def test_each_plane_is_translated_as_if_it_were_alone(tmp_path: Path) -> None:
    values = stack(tmp_path / "a.tif", planes=11)  # more than are read at once
    report = run(tmp_path / "a.tif", tmp_path / "out")
    assert (report.written, report.failed) == ([tmp_path / "out/a.tif"], [])
    with tifffile.TiffFile(tmp_path / "out/a.tif") as tiff:
        assert tiff.series[0].axes == "ZYX"
        answer = tiff.asarray()
    assert answer.dtype == np.uint16
    assert np.array_equal(answer[:, :, WIDTH // 2 :], values[:, :, WIDTH // 2 :])  # where the masks are 0
    for page in (0, 10):
        jobs = plan_jobs([tmp_path / "a.tif"], tmp_path / f"page{page}").jobs
        translate_files(translator(Cells()), jobs, page=page)
        assert np.array_equal(tifffile.imread(tmp_path / f"page{page}/a.tif"), answer[page])


def test_a_range_is_measured_over_all_planes(tmp_path: Path) -> None:
    values = np.stack([np.full((HEIGHT, WIDTH), level, np.uint16) for level in (100, 200, 300)])
    tifffile.imwrite(tmp_path / "a.tif", values, ome=True, metadata={"axes": "ZYX"})

    class Seen(nn.Module):
        channels = 1

        def __init__(self) -> None:
            super().__init__()
            self.level, self.values = nn.Parameter(torch.zeros(1)), []

        def forward(self, image: Tensor) -> Translation:
            self.values += image.mean((1, 2, 3)).tolist()
            return Translation(image)

    network = Seen()
    run(tmp_path / "a.tif", tmp_path / "out", network, range="min,max")
    assert network.values == pytest.approx([-1, 0, 1])
    assert np.array_equal(tifffile.imread(tmp_path / "out/a.tif"), values)


def test_masks_are_one_for_all_planes_or_one_a_plane(tmp_path: Path) -> None:
    values = stack(tmp_path / "a.tif")
    masks = np.zeros((PLANES, HEIGHT, WIDTH), np.uint8)
    masks[1] = 255
    tifffile.imwrite(tmp_path / "mask.tif", masks, photometric="minisblack")
    run(tmp_path / "a.tif", tmp_path / "own", mask=tmp_path / "mask.tif")
    changed = (tifffile.imread(tmp_path / "own/a.tif") != values).any((1, 2))
    assert changed.tolist() == [False, True, False]
    tifffile.imwrite(tmp_path / "one.tif", masks[0])
    run(tmp_path / "a.tif", tmp_path / "one", mask=tmp_path / "one.tif")
    assert np.array_equal(tifffile.imread(tmp_path / "one/a.tif"), values)
    tifffile.imwrite(tmp_path / "two.tif", masks[:2], photometric="minisblack")
    report = run(tmp_path / "a.tif", tmp_path / "two", mask=tmp_path / "two.tif")
    (failed,) = report.failed
    assert "two.tif has 2 planes, and" in failed[1]


def test_a_stack_with_a_bad_plane_is_no_file_and_one_line(tmp_path: Path) -> None:
    values = stack(tmp_path / "in/a.tif", dtype="float32")
    values[1, 0, 0] = np.nan
    tifffile.imwrite(tmp_path / "in/a.tif", values, ome=True, metadata={"axes": "ZYX"})
    stack(tmp_path / "in/b.tif")
    report = run(tmp_path / "in", tmp_path / "out", range="0,65535")
    assert [(path.name, "not numbers" in why) for path, why in report.failed] == [("a.tif", True)]
    assert files(str(tmp_path / "out")) == ["b.tif"]


def test_a_network_that_fails_on_a_plane_gives_its_stack_up_once(tmp_path: Path) -> None:
    class Failing(Cells):
        def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
            super().forward(image)
            raise RuntimeError("broken")

    stack(tmp_path / "a.tif", planes=20)
    network = Failing()
    report = run(tmp_path / "a.tif", tmp_path / "out", network, batch_size=1)
    assert report.failed == [(tmp_path / "a.tif", "broken")]
    assert len(network.batches) == 1


def test_a_stack_to_another_format_is_refused_before_it_is_translated(tmp_path: Path) -> None:
    stack(tmp_path / "a.tif", planes=3)
    network = Cells()
    report = run(tmp_path / "a.tif", tmp_path / "a.png", network)
    assert [(path.name, "is written as .tif alone" in why) for path, why in report.failed] == [("a.tif", True)]
    assert not network.batches


@pytest.mark.parametrize("error", [ValueError("too large"), MemoryError(), RuntimeError("too large\nmore")])
def test_what_a_library_cannot_write_does_not_stop_the_others(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(writer: StackWriter, path: Path, **options: Any) -> Path:
        if path.name == "a.tif":
            raise error
        return write(writer, path, **options)

    write = StackWriter.write
    monkeypatch.setattr(StackWriter, "write", fail)
    for name in "ab":
        stack(tmp_path / f"in/{name}.tif")
    report = run(tmp_path / "in", tmp_path / "out")
    assert (report.written, [path.name for path, _ in report.failed]) == ([tmp_path / "out/b.tif"], ["a.tif"])
    assert report.failed[0][1].startswith(("too large", "it does not fit into the memory that is free"))


def test_the_command_keeps_all_planes_with_their_attention(run: Run, tmp_path: Path) -> None:
    write_model(tmp_path, "attentiongan2", width=4, blocks=1, channels=1)
    values = stack("cells/a.tif")
    stack("cells/b.tif", planes=1)
    arguments = ("translate", "cells", "-o", "out", "-m", tmp_path, "--direction", "A2B", "--page", "all")
    code, out, err = run(*arguments, "--attention")
    assert (code, out, err) == (0, "2 pictures translated to out\nmasks and heatmaps are in out/attention\n", "")
    assert [name for name in files("out") if "heatmap" not in name and "overlay" not in name] == [
        "a.tif", "attention/a.0.mask.png", "attention/a.1.mask.png", "attention/a.2.mask.png",
        "attention/b.mask.png", "attention/contact_sheet.png", "b.tif",
    ]  # fmt: skip
    assert tifffile.imread("out/a.tif").shape == values.shape
    code, out, err = run(*arguments[:6], "--page", "some")
    assert (code, out, err) == (2, "", "error: --page some was given: expected a number from 0 on, or all.\n")
