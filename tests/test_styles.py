"""Styles of multimodal networks: given, drawn from a seed, or taken from a picture; the same wherever they are used."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from attn_i2i.testing import ContractError, check_generator
from attn_i2i.translate.batch import translate_files
from attn_i2i.translate.jobs import plan_jobs, style_names
from attn_i2i.translate.styles import LARGEST_SEED
from attn_i2i.translate.translator import Translator
from attn_i2i.types import AttnI2IError, ConfigError, ShapeError, Translation

from .helpers.commands import Run, files, picture, pixels, write_model
from .helpers.registered import registering
from .helpers.translators import Brighten, Labelled, Negative, Styled, noise, translator


@pytest.fixture
def styled() -> Translator:
    return translator(Styled())


def test_the_largest_seed_is_one(styled: Translator) -> None:
    assert styled(noise(), style=f"seed:{LARGEST_SEED}").style is not None


def test_a_seed_is_the_same_style_in_calls_batches_and_processes(styled: Translator) -> None:
    one = styled(noise(), style="seed:7")
    torch.rand(3)
    many = styled([noise(), noise(20), noise()], style="seed:7", batch_size=2)
    again = pickle.loads(pickle.dumps(styled))(noise(), style="seed:7")
    for result in (*many, again):
        assert torch.equal(result.style, one.style)
    assert torch.equal(many[2].image, one.image)
    assert torch.equal(again.image, one.image)
    assert not torch.allclose(styled(noise(), style="seed:8").image, one.image)


@pytest.mark.parametrize(
    "style",
    [
        [1.0, -2.0, 0.5],
        (1, -2, 0.5),
        "1,-2, 0.5",
        np.array([1, -2, 0.5]),
        np.array([[1, -2, 0.5]]),
        torch.tensor([1, -2, 0.5]),
        torch.tensor([[1, -2, 0.5]]),
    ],
    ids=str,
)
def test_the_numbers_of_a_style_are_written_in_any_usual_way(styled: Translator, style: Any) -> None:
    result = styled(noise(), style=style)
    assert result.style.tolist() == [1, -2, 0.5]
    assert torch.equal(styled(noise(), style=result.style).image, result.image)


def test_a_reference_gives_its_style_whatever_it_comes_as(styled: Translator, tmp_path: Path) -> None:
    grey = picture(tmp_path / "grey.png", mode="L")
    values = noise(40, 50)
    expected = torch.tensor(values).double().mean((0, 1)) / 255 * 2 - 1
    for style in (values, torch.tensor(values).permute(2, 0, 1) / 255):
        torch.testing.assert_close(styled(noise(), style=style).style.double(), expected, atol=1e-6, rtol=0)
    assert len(set(styled(noise(), style=grey).style.tolist())) == 1


def test_each_picture_can_have_a_style_of_its_own(styled: Translator) -> None:
    results = styled([noise()] * 3, style=["seed:1", "seed:2", "seed:1"])
    assert torch.equal(results[0].image, results[2].image)
    assert not torch.equal(results[0].image, results[1].image)
    assert styled.generator.batches == [2, 1]
    rows = styled([noise()] * 2, style=torch.stack([result.style for result in results[:2]]))
    assert torch.equal(rows[1].image, results[1].image)
    references = styled([noise()] * 2, style=torch.rand(2, 3, 8, 8))
    assert not torch.equal(references[0].style, references[1].style)


def test_without_a_style_it_is_the_mean(styled: Translator) -> None:
    assert torch.equal(styled(noise()).style, torch.zeros(3))
    assert translator(Negative())(noise()).style is None


@pytest.mark.parametrize(
    ("style", "problem"),
    [
        ("seed:x", "seed:1"),
        ("seed:-1", "seed:1"),
        (f"seed:{LARGEST_SEED + 1}", "seed:1"),
        ("seed:99999999999999999999", "seed:1"),
        ([1, 2], "3 numbers"),
        ([1, 2, float("nan")], "3 numbers"),
        ("1,2", "3 numbers"),
        (torch.zeros(4), "3 numbers"),
        (["seed:1", "seed:2"], "2 styles were given for 1 picture"),
        ("nowhere.png", "nowhere.png"),
        (np.zeros((8, 8, 5), np.uint8), "5 channels"),
        (3, "int"),
    ],
    ids=str,
)
def test_a_style_that_means_nothing_is_named(styled: Translator, style: Any, problem: str) -> None:
    with pytest.raises(AttnI2IError, match=problem):
        styled(noise(), style=style)


@pytest.mark.parametrize("network", [Negative(), Brighten(), nn.Identity()])
def test_a_network_without_styles_takes_none(network: nn.Module) -> None:
    with pytest.raises(ConfigError, match="knows no styles"):
        translator(network)(noise(), style="seed:1")


def test_styles_and_labels_go_together() -> None:
    class Both(Labelled):
        style_dim = 2

        def forward(self, image: Tensor, domain: Tensor | None = None, style: Tensor | None = None) -> Translation:
            image = super().forward(image, domain).image
            image[:, 1, 0, :2] = 0 if style is None else style
            return Translation(image)

    result = translator(Both(), domains=["x", "y", "z"])(noise(), domain="y", style=[0.5, -0.5])
    assert result.image[:2, 0, :3].flatten()[:5].tolist() == [0, 1, 0, 0.75, 0.25]
    with pytest.raises(ConfigError, match="takes no style from a picture"):
        translator(Both(), domains=["x", "y", "z"])(noise(), domain="y", style=noise())


def test_a_reference_too_large_for_this_machine_is_named(styled: Translator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attn_i2i.translate.memory.free_bytes", lambda device: 10)
    with pytest.raises(ShapeError, match="1100x1000 pixels need more memory"):
        styled(noise(), style=noise(1000, 1100))


def test_files_in_several_styles_are_named_by_them_beside_a_sheet(styled: Translator, tmp_path: Path) -> None:
    for name in ("a.jpg", "sub/b.png"):
        picture(tmp_path / "in" / name)
    reference, out = picture(tmp_path / "red.png"), tmp_path / "out"
    plan = plan_jobs([tmp_path / "in"], out, recursive=True, styles=["seed:1", str(reference)])
    report = translate_files(styled, plan.jobs)
    assert not report.failed
    assert files(out) == ["a.red.jpg", "a.seed-1.jpg", "styles.png", "sub/b.red.png", "sub/b.seed-1.png"]
    alone = translate_files(styled, plan_jobs([tmp_path / "in/sub"], tmp_path / "alone", styles=["seed:1"]).jobs)
    assert np.array_equal(pixels(alone.written[0]), pixels(out / "sub/b.seed-1.png"))
    left = plan_jobs([tmp_path / "in"], out, recursive=True, styles=["seed:1", "seed:3"], skip_existing=True)
    assert [job.style for job in left.jobs] == ["seed:3", "seed:3"]


def test_a_damaged_picture_in_several_styles_is_told_once(styled: Translator, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"nothing")
    picture(tmp_path / "good.png")
    plan = plan_jobs([tmp_path], tmp_path / "out", styles=["seed:1", "seed:2"])
    report = translate_files(styled, plan.jobs)
    assert len(report.failed) == 1
    assert len(report.written) == 2


def test_names_of_styles_differ_and_fit_into_names_of_files() -> None:
    assert style_names(["a/x.png", "b/x.jpg", "seed:3"]) == {"a/x.png": "x", "b/x.jpg": "x-2", "seed:3": "seed-3"}
    assert style_names(["é" * 100 + ".png"]) == {"é" * 100 + ".png": "style-1"}


def test_the_command_draws_in_styles(run: Run, tmp_path: Path) -> None:
    with registering(generators={"styled": Styled}):
        (tmp_path / "model").mkdir()
        write_model(tmp_path / "model", "styled")
        picture("in.png")
        translate = ("translate", "in.png", "-m", tmp_path / "model", "-o")
        assert run(*translate, "one.png", "--style", "seed:1")[0] == 0
        code, out, err = run(*translate, "out", "--style", "seed:1", "--style", "seed:2")
        assert (code, out, err) == (0, "2 pictures translated to out\n", "")
        assert np.array_equal(pixels("one.png"), pixels("out/in.seed-1.png"))
        assert run(*translate, "two.png", "--style", "seed:1", "--style", "seed:2")[0] == 2
        assert run(*translate, "two.png", "--style", "seed:x")[0] == 2
        assert run(*translate, "two.png", "--style", "nowhere.png")[0] == 1


def test_the_command_says_where_a_model_knows_no_styles(run: Run, model: Path) -> None:
    picture("in.png")
    code, out, err = run("translate", "in.png", "-o", "out", "-m", model, "--style", "seed:1")
    assert (code, out) == (2, "")
    assert "knows no styles" in err
    assert not Path("out/in.png").exists()


def test_a_styled_network_keeps_the_contract() -> None:
    check_generator(Styled)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"style_dim": 0}, "style_dim is"),
        ({"style_dim": 4}, "styles of 4 numbers"),
        ({"style_of": lambda self, image: image.mean((1, 2, 3))}, "What style_of gives"),
        ({"style_of": lambda self, image: image.mean((2, 3)) - image.mean()}, "style_of an image depends"),
        ({"forward": lambda self, image, domain=None, style=None: Translation(image * self.level)}, "does not depend"),
        ({"forward": lambda self, image, domain=None: Translation(image.tanh() + self.level)}, "style="),
        (
            {
                "forward": lambda self, image, domain=None, style=None: Styled.forward(
                    self, image, None, self.level.new_ones(len(image), 3) if style is None else style
                )
            },
            "style of zeros",
        ),
        (
            {
                "forward": lambda self, image, domain=None, style=None: Styled.forward(
                    self, image, None, style if style is None else style - 50 * style.mean()
                )
            },
            "depends on the rest",
        ),
    ],
)
def test_what_a_styled_network_gets_wrong_is_said(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ContractError, match=problem):
        check_generator(type("Wrong", (Styled,), changes))
