"""A small run of the fuzzer; the large one is ``python -m tests.tools.fuzz_checkpoints``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools import fuzz_checkpoints


def test_damaged_checkpoints_are_read_or_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert fuzz_checkpoints.main(["--count", "28", "--seed", "1"]) == 0
    assert "0 failures" in capsys.readouterr().out


def test_the_fuzzer_notices_an_error_that_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(path: Path, **limits: object) -> None:
        raise ValueError("not ours")

    monkeypatch.setattr(fuzz_checkpoints, "read_checkpoint", broken)
    assert fuzz_checkpoints.main(["--count", "2"]) == 1


def test_the_fuzzer_notices_what_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def littering(path: Path, **limits: object) -> dict[str, object]:
        path.with_name("litter").touch()
        return {}

    monkeypatch.setattr(fuzz_checkpoints, "read_checkpoint", littering)
    assert fuzz_checkpoints.main(["--count", "2"]) == 1
