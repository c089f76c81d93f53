"""What is named twice in a list is refused where it can mean nothing: attributes, labels, models, measures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from attn_i2i.convert import join
from attn_i2i.evaluate.evaluation import _chosen
from attn_i2i.evaluate.subjects import open_subjects
from attn_i2i.train import attribute_table
from attn_i2i.translate.domains import domain_vector
from attn_i2i.types import ConfigError

from .helpers.commands import Run, write_model

LABELS = ["Black", "Young"]


def attributes(folder: Path) -> object:
    (folder / "table.txt").write_text("Black Young\n0.png 1 -1\n")
    return attribute_table(folder, folder / "table.txt", ["Black", "Young", "Black"])


def models(folder: Path, *names: str) -> object:
    (folder / "run/model").mkdir(parents=True)
    write_model(folder / "run/model", "cyclegan", width=4, blocks=1)
    return open_subjects([folder / name for name in names])


REPEATED: dict[str, tuple[Callable[[Path], object], str]] = {
    "attributes": (attributes, "select names Black twice"),
    "labels": (lambda _: domain_vector("Black,Black", LABELS, 2), "domain names Black twice"),
    "labels in a list": (lambda _: domain_vector(["Young", "Young"], LABELS, 2), "domain names Young twice"),
    "numbers as names": (lambda _: domain_vector("1,1,1", ["0", "1", "2", "3"], 4), "domain names 1 twice"),
    "measures": (lambda _: _chosen(["ssim", "ssim"]), "measures names ssim twice"),
    "models": (lambda folder: models(folder, "run/model", "run/../run/model"), r"names .*run/model twice"),
    "a run and its model": (lambda folder: models(folder, "run", "run/model"), r"names .*run/model twice"),
    "joined models": (lambda folder: join([folder / "a", folder / "a"], folder / "out"), r"names .*a twice"),
}


@pytest.mark.parametrize("case", REPEATED)
def test_what_is_named_twice_is_refused(case: str, tmp_path: Path) -> None:
    call, message = REPEATED[case]
    with pytest.raises(ConfigError, match=rf"{message}: give it once"):
        call(tmp_path)


def test_a_vector_may_repeat_its_numbers_even_where_labels_are_numbers() -> None:
    assert torch.equal(domain_vector("[1,1]", ["0", "1"], 2), torch.ones(1, 2))  # type: ignore[arg-type]


def test_a_network_that_is_given_two_directions_is_bad_usage(run: Run) -> None:
    Path("G.pth").write_bytes(b"x")
    code, _, told = run("convert", "G.pth", "-o", "out", "--direction", "G=A2B,G=B2A")
    assert (code, "--direction names G twice" in told) == (2, True)
