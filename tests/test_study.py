"""The study: a page on which people choose, their answers, and what the statistics make of them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from attn_i2i.evaluate.study import (
    StudyOptions,
    make_study,
    read_answers,
    result_text,
    study_result,
)
from attn_i2i.files import TargetExistsError
from attn_i2i.images import PictureWarning
from attn_i2i.types import AttnI2IError, ConfigError

from .helpers.browser import window_of
from .helpers.commands import run_cli
from .helpers.squares import SIZE, copied, write_squares

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
            image.paste((0, 0, 250), (5, 5, 14 + int(path.stem), 18))
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
        assert window.locator("#practice").inner_text() == "The first 1 is for practice."
        window.locator("#start").click()
        for index in range(TRIALS + PRACTICE):
            assert window.locator("#progress").inner_text().startswith(f"{index + 1} of {TRIALS + PRACTICE}")
            assert window.evaluate("document.documentElement.scrollWidth") <= width
            window.locator("#trial:not(.loading)").wait_for()
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
        window.locator("#trial:not(.loading)").wait_for()
        window.keyboard.press("ArrowDown")
        order = window.evaluate("JSON.stringify(trials)")
        window.reload()
        assert window.locator("#start").inner_text() == "Go on"
        assert window.evaluate("JSON.stringify(trials)") == order
        window.locator("#start").click()
        assert window.locator("#progress").inner_text().startswith("2 of")


def test_few_pictures_come_again_until_all_trials_are_full(
    browser: Browser, folders: tuple[Path, list[Path]], tmp_path: Path
) -> None:
    squares, outputs = folders
    options = StudyOptions(trials=9, practice=1, catch=3)
    few = make_study(outputs, squares, tmp_path / "out", options, limit=2)
    with window_of(browser, few.as_uri()) as window:
        window.set_default_timeout(5000)
        assert window.evaluate("trials.map(each => each.kind).sort().join()") == ",".join(
            ["catch"] * 3 + ["practice"] + ["trial"] * 6
        )


def test_who_cannot_see_all_pictures_cannot_answer(browser: Browser, page: Path, tmp_path: Path) -> None:
    broken = Path(shutil.copytree(page.parent, tmp_path / "broken")) / "index.html"
    for path in (broken.parent / "images").iterdir():
        path.write_bytes(b"no picture")
    with window_of(browser, broken.as_uri()) as window:
        window.locator("#start").click()
        window.get_by_text("A picture could not be loaded").wait_for()
        window.keyboard.press("ArrowLeft")
        assert window.evaluate("state.answers.length") == 0


def test_a_double_click_answers_once(browser: Browser, page: Path) -> None:
    with window_of(browser, page.as_uri()) as window:
        window.locator("#start").click()
        window.locator("#trial:not(.loading)").wait_for()
        window.locator("#unsure").dblclick()
        assert window.evaluate("state.answers.length") == 1


def test_a_flat_output_is_no_control(folders: tuple[Path, list[Path]], tmp_path: Path) -> None:
    squares, outputs = folders
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in outputs[0].iterdir():
        Image.new("RGB", (SIZE, SIZE), (9, 9, 9)).save(flat / path.name)
    with pytest.raises(ConfigError, match="controls cannot be made"):
        make_study([flat, copied(flat, tmp_path / "too")], squares, tmp_path / "out")
    make_study([flat, tmp_path / "too"], squares, tmp_path / "out", StudyOptions(catch=0, allowed=0))


def test_pictures_of_a_study_tell_nothing_but_what_they_show(tmp_path: Path) -> None:
    """Places and programs are in no file, and 12 bits in 16 are not black."""
    told = PngInfo()
    told.add_text("Software", "the secret model")
    values = np.tile(np.linspace(0, 4095, 32).astype(np.uint16), (32, 1))
    for name in ("testA", "one", "two"):
        (tmp_path / name).mkdir()
        for stem in "ab":
            Image.fromarray(values).save(tmp_path / name / f"{stem}.png", pnginfo=told)
    (tmp_path / "testA" / "notes.txt").write_text("x")
    with pytest.warns(PictureWarning, match="1 other files"):
        page = make_study([tmp_path / "one", tmp_path / "two"], tmp_path, tmp_path / "out", range=(0, 4095))
    files = list((page.parent / "images").iterdir())
    assert not [path for path in files if b"secret" in path.read_bytes()]
    assert {Image.open(path).getextrema()[1] for path in files} >= {255}


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
    for name, words, change in (
        ("long", "8 of 7 trials answered", [*sheet["answers"], sheet["answers"][0]]),
        ("sly", "0 of 2 controls answered", [sheet["answers"][0]] * 7),
    ):
        paths.append(tmp_path / f"{name}.json")
        paths[-1].write_text(json.dumps({**sheet, "rater": name, "answers": change}), encoding="utf-8")
        assert read_answers(paths).excluded[name] == words
    other = tmp_path / "other.json"
    other.write_text(json.dumps({**sheet, "answers": sheet["answers"][::-1]}), encoding="utf-8")
    assert f"{other} are of one rater and disagree" in read_answers([*paths, other]).excluded[sheet["rater"]]
    assert len(answers.raters) == 1
    assert "counts once" in answers.notes[0]
    with pytest.raises(ConfigError, match="No rater's answers count"):
        study_result([tmp_path / "careless.json"])


def test_a_study_needs_two_models_and_room(folders: tuple[Path, list[Path]], tmp_path: Path) -> None:
    squares, outputs = folders
    with pytest.raises(ConfigError, match="name two or more, which people choose between"):
        make_study(outputs[:1], squares, tmp_path / "out")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("x")
    with pytest.raises(TargetExistsError, match="not an earlier study"):
        make_study(outputs, squares, tmp_path / "full", force=True)
    assert (tmp_path / "full" / "thesis.tex").exists()
    with pytest.raises(AttnI2IError, match="leaves nothing to compare"):
        StudyOptions(trials=4, catch=4)


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
