"""The command that measures a GPU: it works at all, and loses nothing where a section breaks off or hangs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import gpu
from benchmarks.gpu_sections.report import PASSED, Report, Row, Settings

QUICK = Settings("cpu", quick=True, cases=(str(gpu.CASES),))


def test_every_section_works_on_a_cpu(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "not" / "there"
    command = ["--device", "cpu", "--quick", "-o", str(folder)]
    assert gpu.main(command) == 0, capsys.readouterr().out
    done = json.loads((folder / "gpu.json").read_text())["sections"]
    assert list(done) == list(gpu.sections(QUICK))
    assert all(section["rows"] for section in done.values())
    page = (folder / "gpu.md").read_text()
    assert all(f"## {section['title']}\n\n|" in page for section in done.values())
    assert gpu.main(command) == 2
    assert "--force" in capsys.readouterr().err


def failing(settings: Settings) -> Iterator[Row]:
    yield {"case": "one", PASSED: True}
    raise RuntimeError("no such kernel")


def wrong(settings: Settings) -> Iterator[Row]:
    yield {"case": "two", "error": float("nan"), PASSED: False}


def test_a_section_that_fails_is_reported_and_the_next_goes_on(tmp_path: Path) -> None:
    report = Report(tmp_path, "a card")
    gpu.run_here({"first": gpu.Section("Cases", failing), "second": gpu.Section("Cases", wrong)}, QUICK, report)
    assert report.failures() == ["first: RuntimeError: no such kernel", "second: case two, error nan"]
    page = (tmp_path / "gpu.md").read_text()
    assert "| one |  | yes |\n| two | nan | **no** |" in page
    assert "first broke off" in page
    assert "in failing" in page  # the traceback


def test_a_section_that_hangs_keeps_its_rows(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"case": "one"}\n{"case": "cut sh')
    child = gpu.Child("hanging", [sys.executable, "-c", "import time; time.sleep(60)"], rows)
    assert not child.done(time.monotonic() + 60)
    assert child.done(time.monotonic() - 1)
    answer, error = child.answer()
    assert answer == [{"case": "one"}]
    assert error.startswith("Stopped: not done after")


def test_a_child_runs_its_section(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    command = gpu.child_command("waiting", QUICK, rows)
    assert gpu.main(command[3:]) == 0
    assert [row["recipe"] for row in gpu.read_rows(rows)] == ["cyclegan"]


def test_without_a_gpu_it_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert gpu.main(["-o", str(tmp_path)]) == 2
    assert "no GPU" in capsys.readouterr().err
