"""The study: a page on which people choose, their answers, and what the statistics make of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from PIL import Image
from scipy import stats

from attn_i2i.evaluate.study import StudyOptions, analyse, make_study, read_answers, result_text, study_result
from attn_i2i.evaluate.study.statistics import strengths, t_quantile
from attn_i2i.files import TargetExistsError
from attn_i2i.types import AttnI2IError, ConfigError, UnreadableFileError

from .helpers.browser import window_of
from .helpers.commands import run_cli
from .helpers.raters import covered, simulated
from .helpers.squares import SIZE, write_squares

if TYPE_CHECKING:
    from playwright.sync_api import Browser

TRIALS, PRACTICE, CATCH = 6, 1, 2


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path]]:
    """Inputs, and the outputs of two programs."""
    root = tmp_path_factory.mktemp("folders")
    squares = write_squares(root / "squares", "A", "B")
    outputs = [root / "better", root / "worse"]
    for folder, value in zip(outputs, (200, 90), strict=True):
        folder.mkdir()
        for path in (squares / "testA").glob("*.png"):
            image = Image.new("RGB", (SIZE, SIZE), (value, 30, 30))
            image.putpixel((0, 0), (0, 0, int(path.stem)))
            image.save(folder / path.name)
    return squares, outputs


@pytest.fixture(scope="module")
def page(folders: tuple[Path, list[Path]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    squares, outputs = folders
    out = tmp_path_factory.mktemp("study") / "out"
    options = StudyOptions("Which is <better>?", trials=TRIALS, practice=PRACTICE, catch=CATCH, allowed=1)
    return make_study(outputs, squares, out, options)


def answered(browser: Browser, page: Path, target: Path, *, careful: bool = True, width: int = 1280) -> dict[str, Any]:
    """A person's visit: the redder picture each time, with keys; the careless always chooses left."""
    with window_of(browser, page.as_uri(), width=width) as window:
        assert window.locator("#title").inner_text() == "Which is <better>?"
        window.locator("#start").click()
        for index in range(TRIALS + PRACTICE):
            assert window.locator("#progress").inner_text().startswith(f"{index + 1} of {TRIALS + PRACTICE}")
            assert window.evaluate("document.documentElement.scrollWidth") <= width
            window.wait_for_function("['left', 'right'].every(s => document.querySelector(`#${s} img`).naturalWidth)")
            reds = window.evaluate(
                """['left', 'right'].map(side => {
                    const image = document.querySelector(`#${side} img`);
                    return trials[state.answers.length][side].model === "better" ? 2
                        : trials[state.answers.length][side].model === "worse" ? 1 : 0; })"""
            )
            window.keyboard.press("ArrowLeft" if not careful or reds[0] > reds[1] else "ArrowRight")
        with window.expect_download() as download:
            window.locator("#download").click()
        download.value.save_as(target)
    return json.loads(target.read_text(encoding="utf-8"))


@pytest.mark.parametrize("width", [390, 1280])
def test_a_person_answers_and_the_result_says_so(browser: Browser, page: Path, tmp_path: Path, width: int) -> None:
    sheet = answered(browser, page, tmp_path / "a.json", width=width)
    kinds = [each["kind"] for each in sheet["answers"]]
    assert kinds[0] == "practice"
    assert (kinds.count("catch"), kinds.count("trial")) == (CATCH, TRIALS - CATCH)
    assert len({each["picture"] for each in sheet["answers"] if each["kind"] != "catch"}) == PRACTICE + TRIALS - CATCH
    result = study_result([tmp_path / "a.json"])
    assert result.excluded == {}
    assert result.preferences[0].share.value == 1
    assert "better preferred to worse: 100.0 %" in result_text(result)


def test_the_page_tells_nothing_of_the_models(page: Path) -> None:
    names = [path.name for path in (page.parent / "images").iterdir()]
    assert not [name for name in names if "better" in name or "worse" in name or len(name) != 20]
    assert "<better>" not in page.read_text(encoding="utf-8").replace("&lt;", "")


def test_an_interrupted_visit_goes_on(browser: Browser, page: Path) -> None:
    with window_of(browser, page.as_uri()) as window:
        window.locator("#start").click()
        window.keyboard.press("ArrowDown")
        order = window.evaluate("JSON.stringify(trials)")
        window.reload()
        assert window.locator("#start").inner_text() == "Go on"
        assert window.evaluate("JSON.stringify(trials)") == order
        window.locator("#start").click()
        assert window.locator("#progress").inner_text().startswith("2 of")


def test_raters_are_left_out_by_the_pages_rule(browser: Browser, page: Path, tmp_path: Path) -> None:
    sheet = answered(browser, page, tmp_path / "a.json")
    careless = {**sheet, "rater": "careless", "answers": [dict(each) for each in sheet["answers"]]}
    for each in careless["answers"]:
        each["choice"] = "unsure"
    short = {**sheet, "rater": "short", "answers": sheet["answers"][:-1]}
    paths = [tmp_path / "a.json"]
    for name, content in (("careless", careless), ("short", short), ("again", sheet)):
        paths.append(tmp_path / f"{name}.json")
        paths[-1].write_text(json.dumps(content), encoding="utf-8")
    answers = read_answers(paths)
    assert answers.excluded == {"careless": "2 of 2 controls missed", "short": "6 of 7 trials answered"}
    assert len(answers.raters) == 1
    assert "counts once" in answers.notes[0]
    with pytest.raises(ConfigError, match="No rater's answers count"):
        study_result([tmp_path / "careless.json"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "x"}, "its format is not"),
        ({"models": ["a"]}, "two or more names"),
        ({"rule": {}}, "'rule' is incomplete"),
        ({"answers": [{"kind": "trial", "left": "better", "right": "better"}]}, "answer 1 is not a choice"),
        ({"answers": None}, "'answers' is missing"),
    ],
)
def test_files_of_others_are_named(change: dict[str, Any], words: str, tmp_path: Path) -> None:
    rule = {"trials": 1, "catch": 0, "allowed": 0}
    sheet = {"format": "attn_i2i study 1", "study": "s", "rater": "r", "question": "q", "rule": rule}
    sheet |= {"models": ["better", "worse"], "answers": []}
    path = tmp_path / "x.json"
    path.write_text(json.dumps({**sheet, **change}), encoding="utf-8")
    with pytest.raises(UnreadableFileError, match=rf"x\.json is no rater's answers: .*{words}"):
        read_answers([path])
    path.write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(UnreadableFileError, match="cannot be read as answers"):
        read_answers([path])


def test_a_study_needs_two_models_and_room(folders: tuple[Path, list[Path]], tmp_path: Path) -> None:
    squares, outputs = folders
    with pytest.raises(ConfigError, match="people choose between two or more"):
        make_study(outputs[:1], squares, tmp_path / "out")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("x")
    with pytest.raises(TargetExistsError, match="not an earlier study"):
        make_study(outputs, squares, tmp_path / "full", force=True)
    assert (tmp_path / "full" / "thesis.tex").exists()
    with pytest.raises(AttnI2IError, match="leaves nothing to compare"):
        StudyOptions(trials=4, catch=4)


def test_the_intervals_hold_the_truth_as_often_as_they_say() -> None:
    assert 0.92 <= covered(100, 20, 30, tilt=0.5, spread=0.5, resamples=150) <= 0.98


def test_a_side_that_matters_is_shown() -> None:
    answers = simulated(15, 20, 0, tilt=0.0, spread=0.2)
    assert "the side mattered" not in result_text(analyse(answers))
    lazy = tuple(each._replace(choice="left") if i % 2 else each for i, each in enumerate(answers.answers))
    result = analyse(type(answers)(answers.models, "q", lazy, answers.raters, {}))
    assert result.left is not None
    assert result.left.low > 0.5
    assert "the side mattered" in result_text(result)


def test_who_was_not_sure_is_counted() -> None:
    answers = simulated(6, 8, 0, tilt=0.0, spread=0.2, unsure=0.25)
    unsure = [each.choice for each in answers.answers].count("unsure")
    result = analyse(answers)
    assert 0 < unsure < result.preferences[0].answers == len(answers.answers)
    assert result.preferences[0].unsure == unsure
    assert f"of {len(answers.answers)} ({unsure} not sure)" in result_text(result)


def test_strengths_are_bradley_and_terrys() -> None:
    true = torch.tensor([1.0, 0.0, -1.0], dtype=torch.float64)
    chances = torch.sigmoid(true[:, None] - true[None])
    wins = 10_000 * chances * (1 - torch.eye(3, dtype=torch.float64))
    torch.testing.assert_close(strengths(wins), true, atol=1e-3, rtol=0)


@pytest.mark.parametrize("freedom", [3, 5, 9, 30, 200])
def test_students_quantile_is_scipys(freedom: int) -> None:
    assert t_quantile(0.975, freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=2e-3)


def test_the_commands_make_a_study_and_read_its_answers(
    browser: Browser,
    folders: tuple[Path, list[Path]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    squares, outputs = folders
    arguments = ["study", *map(str, outputs), "--data", str(squares), "-o", str(tmp_path / "out"), "--trials", "6"]
    assert (
        run_cli([*arguments, "--catch", "2", "--practice", "1", "--question", "Which is <better>?"], monkeypatch) == 0
    )
    assert "study-result FILE..." in capsys.readouterr().err
    answered(browser, tmp_path / "out" / "index.html", tmp_path / "a.json")
    assert run_cli(["study-result", str(tmp_path / "a.json"), "--json"], monkeypatch) == 0
    table = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(name))
    assert table["preferences"][0]["share"]["value"] == 1
