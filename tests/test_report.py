"""The report of an evaluation, opened in a browser and read by programs."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from attn_i2i.evaluate import as_latex, as_text, evaluate
from attn_i2i.evaluate.report.chart import ticks
from attn_i2i.evaluate.report.tables import number

from .helpers.browser import window_of
from .helpers.commands import run_cli
from .helpers.squares import write_squares

if TYPE_CHECKING:
    from playwright.sync_api import Browser

MODELS = ("attentiongan2-flat2clay", "cyclegan-flat2clay")
MEASURES = "l1,psnr,background_psnr,mask_ap,change"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the command writes for two models."""
    root = tmp_path_factory.mktemp("report")
    squares = write_squares(root / "a <folder>", "A", "B")
    with pytest.MonkeyPatch.context() as patch:
        status = run_cli(
            ["evaluate", *MODELS, "--data", str(squares), "-o", str(root / "out"), "--measures", MEASURES], patch
        )
    assert status == 0
    return root / "out"


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_the_page_opens_and_fits_narrow_and_wide_windows(
    browser: Browser, report: Path, width: int, dark: bool
) -> None:
    with window_of(browser, (report / "index.html").as_uri(), width=width, dark=dark) as window:
        assert window.evaluate("document.documentElement.scrollWidth") <= width
        head = [cell.strip() for cell in window.locator("#numbers thead th").all_inner_texts()]
        assert head == ["", *MODELS, "input"]
        background = window.locator("[data-measure=background_psnr]")
        assert "↑" in background.inner_text()
        assert background.locator(".best").count() == 1
        colour = window.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (colour == "rgb(255, 255, 255)") is not dark
        shown = window.locator(".strip img").evaluate_all(
            "images => images.filter(i => !i.closest('details') && (!i.complete || !i.naturalWidth)).length"
        )
        assert shown == 0


def test_the_slider_wipes_and_an_example_opens_in_it(browser: Browser, report: Path) -> None:
    with window_of(browser, (report / "index.html").as_uri()) as window:
        slider = window.locator("#wipe-at")
        slider.focus()
        for _ in range(10):
            window.keyboard.press("ArrowRight")
        assert slider.input_value() == "60"
        assert window.evaluate("document.getElementById('wipe').style.getPropertyValue('--at')") == "60%"
        before = window.locator("#wipe .over").get_attribute("src")
        window.locator("button.open[data-row='2'][data-model='1']").click()
        assert window.locator("#wipe-model").input_value() == "1"
        assert window.locator("#wipe-picture").input_value() == "2"
        assert window.locator("#wipe .over").get_attribute("src") != before
        box = window.locator("#wipe").bounding_box()
        assert box is not None
        window.mouse.click(box["x"] + 0.25 * box["width"], box["y"] + 0.5 * box["height"])
        assert abs(float(slider.input_value()) - 25) <= 1
        window.locator("details.extremes summary").first.click()
        image = window.locator("details.extremes img").first
        image.wait_for()
        assert image.evaluate("image => image.src.startsWith('data:image/webp')")


def test_the_tables_tell_the_same(report: Path) -> None:
    results = json.loads((report / "results.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    first = results["models"][0]["values"]["background_psnr"]
    with (report / "table.csv").open(encoding="utf-8", newline="") as stream:
        rows = {(row["model"], row["measure"]): row for row in csv.DictReader(stream)}
    row = rows[MODELS[0], "background_psnr"]
    assert (float(row["value"]), float(row["low"])) == (first["value"], first["low"])
    assert (row["unit"], row["better"], row["pictures"]) == ("dB", "higher", "5")
    with (report / "pictures.csv").open(encoding="utf-8", newline="") as stream:
        pictures = [float(line["background_psnr"]) for line in csv.DictReader(stream) if line["model"] == MODELS[0]]
    assert sum(pictures) / len(pictures) == pytest.approx(first["value"])
    text = (report / "table.tex").read_text(encoding="utf-8")
    assert rf"\textbf{{{number(first['value'])}}}" in text
    assert r"background\_psnr $\uparrow$" in text
    assert {test["measure"] for test in results["tests"]} == {"l1", "psnr", "background_psnr"}
    with Image.open(report / "scatter.png") as chart, Image.open(report / "examples.png") as sheet:
        assert chart.width == 1920
        assert sheet.width > 3 * 192


def test_names_are_text_not_markup(tmp_path: Path) -> None:
    squares = write_squares(tmp_path / "squares", "A", "B")
    folder = tmp_path / "<b>bold</b> & 50%_é\x9b"
    folder.mkdir(parents=True)
    for path in (squares / "testB").glob("*.png"):
        Image.open(path).save(folder / path.name)
    evaluation = evaluate([folder], squares, measures=["l1"], report=tmp_path / "out")
    from attn_i2i.evaluate import write_report

    page = write_report(evaluation, tmp_path / "out").read_text(encoding="utf-8")
    assert "<b>bold" not in page.replace("</b> & 50", "")
    assert "b\\textgreater{} \\& 50\\%\\_é" in as_latex(evaluation)
    assert r"é\x9b" in as_text(evaluation)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.123456, "0.1235"), (374749, "374.7 k"), (2.5e9, "2.5 G"), (-3.2e-7, "-3.20e-07"), (46.79, "46.79")],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert number(value) == text


def test_ticks_are_round_and_inside() -> None:
    assert ticks(17.2, 49.1) == [20, 30, 40]
    assert all(-0.0003 <= tick <= 0.0004 for tick in ticks(-0.0003, 0.0004))
