"""Several models on a folder: what is measured, what is said, and what survives a stop."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from attn_i2i.evaluate import (
    EQUAL_DB,
    Evaluation,
    Measure,
    background_psnr,
    evaluate,
    find_data,
    holm,
    mean_interval,
    paired_test,
    translating,
)
from attn_i2i.evaluate.evaluation import make_outputs
from attn_i2i.files import TargetExistsError
from attn_i2i.models.config import ModelConfig
from attn_i2i.plugins import manager
from attn_i2i.translate.translator import Translator
from attn_i2i.types import AttnI2IError, ConfigError, UnreadableFileError

from .helpers.commands import run_cli
from .helpers.squares import COUNT, SIZE, SOURCE, TRUTH, write_squares
from .helpers.translators import Negative

MODEL, PLAIN = "attentiongan2-flat2clay", "cyclegan-flat2clay"
FAST = ["l1", "background_psnr", "mask_ap", "mask_iou", "change"]


@pytest.fixture
def squares(tmp_path: Path) -> Path:
    return write_squares(tmp_path / "squares", "A", "B")


@pytest.fixture
def eyes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A feature network of twelve brightnesses."""
    monkeypatch.setenv("ATTN_I2I_HOME", str(tmp_path / "home"))
    network = nn.Sequential(nn.AdaptiveAvgPool2d(2))
    path = tmp_path / "eyes.pt"
    torch.jit.trace(network, torch.rand(1, 3, SIZE, SIZE)).save(str(path))
    return str(path)


def copy(folder: Path, target: Path, ending: str = "", value: int | None = None) -> Path:
    """A folder of outputs: the pictures of another, brighter where asked."""
    target.mkdir()
    for path in folder.glob("*.png"):
        pixels = np.asarray(Image.open(path))
        pixels = pixels if value is None else np.clip(pixels.astype(int) + value, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(target / f"{path.stem}{ending}.png")
    return target


@pytest.mark.filterwarnings("ignore:.torch.jit:FutureWarning")
def test_all_that_can_be_measured_is_and_the_rest_is_said_once(squares: Path, eyes: str) -> None:
    evaluation = evaluate([MODEL, PLAIN], squares, features=eyes)
    values = evaluation.rows[0].measured.values
    wanted = {"fid", "kid", "ugatit_mean", "mmd", "precision", "l1", "psnr", "ssim", "foreground_l1", "background_psnr"}
    wanted |= {"background_changed", "mask_iou", "mask_f1", "mask_ap", "mask_mae", "cycle_l1", "structure"}
    wanted |= {"parameters", "multiply_adds", "seconds", "peak_memory"}
    assert wanted <= values.keys()
    assert (values["fid"].n, values["fid"].reals) == (COUNT, COUNT)
    assert evaluation.features is not None
    notes = "\n".join(evaluation.notes)
    for words in (
        "taken for its truth",
        "Few pictures (5;",
        f"{evaluation.features} (SHA-256) at 5 outputs and 5 real",
    ):
        assert notes.count(words) == 1
    assert f"Not measured of {PLAIN}: mask_iou" in notes
    assert "ms_ssim (Pictures of 24x24: MS-SSIM needs 176 pixels a side)" in notes
    assert evaluation.value("input", "foreground_l1") == pytest.approx((TRUTH - SOURCE) / 255, rel=1e-6)
    assert {"l1", "background_psnr"} <= {test.measure for test in evaluation.tests}


def test_a_folder_of_pictures_counts_as_a_model(squares: Path, tmp_path: Path) -> None:
    perfect, changed = (
        copy(squares / "testB", tmp_path / "perfect", "_fake_B"),
        copy(squares / "testA", tmp_path / "bright", value=20),
    )
    evaluation = evaluate([perfect, changed], squares)
    assert evaluation.value("perfect", "l1") == 0
    assert evaluation.value("perfect", "background_psnr") == EQUAL_DB
    assert evaluation.value("bright", "background_psnr") == pytest.approx(-20 * math.log10(20 / 255), rel=1e-5)
    assert evaluation.value("bright", "parameters") is None
    (perfect / "3_fake_B.png").unlink()
    with pytest.raises(UnreadableFileError, match=r"perfect lacks outputs for 1 of 5 inputs, such as 3\.png"):
        evaluate([perfect], squares)


def test_a_model_and_its_written_pictures_get_the_same_numbers(squares: Path, tmp_path: Path) -> None:
    first = evaluate([MODEL], squares, report=tmp_path / "report", measures=FAST)
    outputs = tmp_path / "outputs"
    outputs.mkdir()
    for stem, path in first.rows[0].outputs.pictures.items():
        shutil.copy(path, outputs / f"{stem}.png")
    second = evaluate([outputs], squares, measures=FAST)
    assert second.value("outputs", "l1") == first.value(MODEL, "l1")
    assert second.value("outputs", "background_psnr") == first.value(MODEL, "background_psnr")


def test_what_is_finished_is_not_done_again(squares: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(subject: Any, *rest: Any, **options: Any) -> Any:
        if subject.label == PLAIN:
            raise KeyboardInterrupt("the power went")
        return make_outputs(subject, *rest, **options)

    report = tmp_path / "report"
    with monkeypatch.context() as patch:
        patch.setattr("attn_i2i.evaluate.evaluation.make_outputs", broken)
        with pytest.raises(KeyboardInterrupt, match="power"):
            evaluate([MODEL, PLAIN], squares, report=report, measures=FAST)
    done = {path: path.stat().st_mtime_ns for path in report.rglob("*.png")}
    assert len(done) == 2 * COUNT
    said: list[str] = []
    evaluation = evaluate(
        [MODEL, PLAIN], squares, report=report, measures=FAST, progress=lambda what, *_: said.append(what)
    )
    assert f"Measuring: {MODEL}" not in said
    assert f"Measuring: {PLAIN}" in said
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert evaluation.value(MODEL, "mask_ap") is not None
    fresh = evaluate([MODEL], squares, measures=FAST)
    assert fresh.rows[0].measured == evaluation.rows[0].measured


def test_other_data_and_other_folders_are_left_alone(squares: Path, tmp_path: Path) -> None:
    report = tmp_path / "report"
    outputs = copy(squares / "testB", tmp_path / "outputs")
    evaluate([outputs], squares, report=report, measures=["l1"])
    Image.new("RGB", (SIZE, SIZE)).save(squares / "testB" / "0.png")
    with pytest.raises(TargetExistsError, match="an evaluation of other data"):
        evaluate([outputs], squares, report=report, measures=["l1"])
    assert evaluate([outputs], squares, report=report, measures=["l1"], force=True).value("outputs", "l1") != 0
    with pytest.raises(TargetExistsError, match="other things than an evaluation"):
        evaluate([outputs], squares, report=squares, measures=["l1"])


def test_without_masks_the_models_own_tell_the_background_and_that_is_said(squares: Path, tmp_path: Path) -> None:
    shutil.rmtree(squares / "masks")
    evaluation = evaluate([MODEL], squares, measures=["background_psnr", "mask_iou"], threshold=0.05)
    assert evaluation.value(MODEL, "background_psnr") is not None
    assert any("No masks are given" in note and "below 0.05" in note for note in evaluation.notes)
    assert any("mask_iou (needs given masks)" in note for note in evaluation.notes)


def test_the_threshold_reaches_the_masks(squares: Path) -> None:
    low, high = (
        evaluate([MODEL], squares, measures=["mask_iou"], threshold=t).value(MODEL, "mask_iou") for t in (0.1, 1.0)
    )
    assert low is not None
    assert low > 0
    assert high == 0


@pytest.mark.parametrize(("threshold", "faint"), [(1.0, True), (0.0, False)])
def test_a_mask_that_never_reaches_the_threshold_is_warned_of(squares: Path, threshold: float, faint: bool) -> None:
    evaluation = evaluate([MODEL], squares, measures=["mask_iou"], threshold=threshold)
    assert any("its mask stays below" in warning for warning in evaluation.rows[0].warnings) == faint


def test_an_output_like_its_input_is_warned_of(squares: Path, tmp_path: Path) -> None:
    evaluation = evaluate([copy(squares / "testA", tmp_path / "same")], squares)
    assert any("the output is nearly the input" in warning for warning in evaluation.rows[0].warnings)


def test_outputs_of_another_size_are_brought_to_the_inputs(squares: Path, tmp_path: Path) -> None:
    folder = tmp_path / "large"
    folder.mkdir()
    for path in (squares / "testB").glob("*.png"):
        Image.open(path).resize((2 * SIZE, 2 * SIZE), Image.Resampling.NEAREST).save(folder / path.name)
    evaluation = evaluate([folder], squares, measures=["l1"])
    assert evaluation.value("large", "l1") == pytest.approx(0, abs=0.02)
    assert any("resized" in warning and "48x48" in warning for warning in evaluation.rows[0].warnings)


def test_a_model_is_measured_in_the_range_that_it_was_trained_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Negative, "channels", 1, raising=False)
    numbers = np.linspace(100, 300, SIZE * SIZE).astype(np.uint16).reshape(SIZE, SIZE)
    for side in ("testA", "testB"):
        (tmp_path / "data" / side).mkdir(parents=True)
        Image.fromarray(numbers if side == "testA" else 400 - numbers).save(tmp_path / "data" / side / "a.png")
    config = ModelConfig("toy", {}, ["A2B", "B2A"], preprocessing={"range": [100, 300]})
    model = Translator({"A2B": Negative(), "B2A": Negative()}, config, device="cpu")
    evaluation = evaluate([model], tmp_path / "data", measures=["l1", "cycle_l1"], report=tmp_path / "report")
    assert (evaluation.value("model 1", "l1"), evaluation.value("model 1", "cycle_l1")) == (0, 0)
    with pytest.raises(ConfigError, match=r"sees stored numbers from 100 to 300"):
        translating(model)


@pytest.mark.parametrize(("size", "shown"), [((16, 24), "24x16"), (16, "16x16")])
def test_inputs_of_a_network_of_one_size_are_brought_to_it(
    squares: Path, size: object, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Negative, "image_size", size, raising=False)
    model = Translator({"A2B": Negative()}, ModelConfig("toy", {}, ["A2B"]), device="cpu")
    evaluation = evaluate([model], squares, measures=["change"])
    warnings = "\n".join(evaluation.rows[0].warnings)
    assert f"inputs were resized to {shown}, the one size it takes" in warnings


def test_a_strangers_measure_is_run_and_costs_only_itself_when_it_breaks(squares: Path, tmp_path: Path) -> None:
    def broken(output: Any) -> Any:
        """Breaks."""
        raise ZeroDivisionError("oh")

    zoo = manager().zoo
    with zoo.supplied_by("mine"):
        zoo.measures.add("mine", Measure(lambda output: output.mean((1, 2, 3)), ("output",), summary="Brightness"))
        zoo.measures.add("broken", Measure(broken, ("output",)))
    try:
        evaluation = evaluate([copy(squares / "testB", tmp_path / "out")], squares, measures=["mine", "broken", "l1"])
    finally:
        zoo.forget("mine")
    assert evaluation.value("out", "mine") is not None
    assert evaluation.value("out", "l1") == 0
    assert "Not measured: broken (ZeroDivisionError: oh)." in evaluation.notes


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("testA", "testB"), ("testA", "testB")),
        (("test/A", "test/B"), ("test/A", "test/B")),
        (("TestA", "testb"), ("TestA", "testb")),
        (("A", "B"), ("A", "B")),
        (("trainA", "trainB"), ("trainA", "trainB")),
    ],
)
def test_the_usual_layouts_are_known(names: tuple[str, str], expected: tuple[str, str], tmp_path: Path) -> None:
    for name, stem in zip(names, ("x", "y"), strict=True):
        (tmp_path / name).mkdir(parents=True)
        Image.new("RGB", (4, 4)).save(tmp_path / name / f"{stem}.jpg")
        (tmp_path / name / "._x.jpg").write_text("not a picture")
        (tmp_path / name / "thumbs.png").mkdir()
    data = find_data(tmp_path)
    assert list(data.inputs.values()) == [tmp_path / expected[0] / "x.jpg"]
    assert data.target == {"y": tmp_path / expected[1] / "y.jpg"}
    assert data.truth is None
    assert any("no test pictures" in note for note in data.notes) == (names[0] == "trainA")


def test_plain_folders_and_masks_of_another_format(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    for stem in "ab":
        Image.new("RGB", (4, 4)).save(tmp_path / f"{stem}.jpg")
    Image.new("L", (4, 4)).save(tmp_path / "masks" / "a.png")
    (tmp_path / "notes.txt").write_text("x")
    data = find_data(tmp_path)
    assert list(data.inputs) == ["a", "b"]
    assert data.target is None
    assert data.masks == {"a": tmp_path / "masks" / "a.png"}
    assert any("1 other files, such as notes.txt" in note for note in data.notes)
    with pytest.raises(UnreadableFileError, match=r"1 of 2 pictures have no mask .*b\.jpg"):
        find_data(tmp_path, masks=tmp_path / "masks")


def test_pairs_are_told_by_every_name_or_asked_for(squares: Path) -> None:
    (squares / "testB" / "4.png").rename(squares / "testB" / "other.png")
    (squares / "masks" / "testA" / "3.png").unlink()
    data = find_data(squares)
    assert data.truth is None
    assert any("Only 4 of 5 inputs have a namesake" in note for note in data.notes)
    assert data.masks is not None
    assert list(data.masks) == ["0", "1", "2", "4"]
    assert any("1 of 5 pictures have no mask" in note for note in data.notes)
    with pytest.raises(ConfigError, match=r"1 of 5 inputs have no truth of their name, such as .*4\.png"):
        find_data(squares, pairs=True)
    assert find_data(squares, limit=2).inputs.keys() == {"0", "2"}


def test_pictures_without_a_mask_are_left_out_of_what_needs_one(squares: Path, tmp_path: Path) -> None:
    (squares / "masks" / "testA" / "3.png").unlink()
    evaluation = evaluate([copy(squares / "testB", tmp_path / "out")], squares, measures=["l1", "background_psnr"])
    values = evaluation.rows[0].measured.values
    assert (values["l1"].n, values["background_psnr"].n) == (5, 4)
    assert any("background_psnr is of 4 of 5 pictures" in warning for warning in evaluation.rows[0].warnings)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda root: Image.new("RGB", (9, 9)).save(root / "testB/2.png"), r"2\.png, a truth, has 9x9 pixels, its"),
        (lambda root: Image.new("L", (9, 9)).save(root / "masks/testA/2.png"), r"masks/testA/2\.png"),
        (lambda root: (root / "testA/2.png").write_text("x"), r"testA/2\.png"),
        (lambda root: Image.new("RGB", (9, 9)).save(root / "testA/2.jpg"), "have one stem"),
        (lambda root: shutil.rmtree(root / "testA"), "holds no testA"),
    ],
)
def test_bad_data_is_named(damage: Any, words: str, squares: Path, tmp_path: Path) -> None:
    outputs = copy(squares / "testB", tmp_path / "out")
    damage(squares)
    if "holds no" in words:
        shutil.rmtree(squares / "trainA")
    with pytest.raises(AttnI2IError, match=words):
        evaluate([outputs], squares, measures=["l1", "background_psnr"])


def test_intervals_hold_the_mean_as_often_as_they_say() -> None:
    generator = torch.Generator().manual_seed(0)
    held = 0
    for seed in range(300):
        values = torch.rand(30, generator=generator).square()
        low, high = mean_interval(values, resamples=300, seed=seed)
        held += low <= 1 / 3 <= high
    assert 0.92 <= held / 300 <= 0.98


def test_the_paired_test_finds_what_is_there_and_rarely_what_is_not() -> None:
    generator = torch.Generator().manual_seed(0)
    first = torch.rand(40, generator=generator)
    assert paired_test(first + 0.1, first, flips=2000).p < 0.001
    ps = [
        paired_test(torch.rand(20, generator=generator), torch.rand(20, generator=generator), flips=200).p
        for _ in range(200)
    ]
    assert 2 <= sum(p < 0.05 for p in ps) <= 20
    assert holm([0.01, 0.03, 0.02]) == pytest.approx([0.03, 0.04, 0.04])


def test_means_are_of_the_pictures(squares: Path, tmp_path: Path) -> None:
    outputs = copy(squares / "testA", tmp_path / "bright", value=20)
    evaluation: Evaluation = evaluate([outputs], squares, measures=["background_psnr"])
    rows = evaluation.rows[0].measured.pictures["background_psnr"]
    image = torch.from_numpy(np.array(Image.open(squares / "testA/0.png"))).permute(2, 0, 1)[None] / 255
    mask = torch.from_numpy(
        np.maximum(*(np.array(Image.open(squares / f"masks/{side}/0.png")) for side in ("testA", "testB")))
    )
    out = torch.from_numpy(np.array(Image.open(outputs / "0.png"))).permute(2, 0, 1)[None] / 255
    assert rows["0"] == pytest.approx(background_psnr(out, image, mask[None, None] / 255).item())


def test_the_command_says_what_the_old_form_means(
    squares: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_cli(["evaluate", MODEL], monkeypatch) == 2
    assert f"write `attn-i2i evaluate {MODEL} --data DIR`" in capsys.readouterr().err
    assert run_cli(["evaluate", str(squares), "-m", MODEL, "--data", str(squares)], monkeypatch) == 2
    assert f"`attn-i2i evaluate {MODEL} --data DIR`" in capsys.readouterr().err


def test_full_masks_give_null_not_nan(
    squares: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (squares / "masks").rglob("*.png"):
        Image.new("L", (SIZE, SIZE), 255).save(path)
    outputs = copy(squares / "testB", tmp_path / "out")
    assert run_cli(["evaluate", str(outputs), "--data", str(squares), "--json"], monkeypatch) == 0
    printed = capsys.readouterr()
    table = json.loads(printed.out, parse_constant=lambda name: pytest.fail(name))
    assert table["models"][0]["missing"]["background_psnr"] == "no picture has what it needs"
    assert "background_psnr" not in table["models"][0]["values"]
    assert run_cli(["evaluate", str(squares), "-m", MODEL, "--json"], monkeypatch) == 0
    assert json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(name))["background_psnr"] is None
