"""What all commands share: exit codes, one line an error, and plugins that fail."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .helpers.commands import Run, picture


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["translat", "a.png"],
        ["translate", "a.png"],
        ["translate", "a.png", "-o", "out", "-m", "x", "--strength", "2"],
        ["translate", "a.png", "-o", "out", "-m", "x", "--dtype", "int8"],
        ["translate", "a.png", "-o", "out", "-m", "no-model"],
        ["translate", "a.png", "-o", "out", "-m", "MODEL", "--direction", "A2C"],
        ["translate", "a.png", "-o", "out", "-m", "MODEL", "--domain", "Male"],
        ["train", "no-recipe", "--data", ".", "-o", "run"],
        ["train", "cyclegan", "--data", ".", "-o", "run", "--set", "foo"],
        ["train", "cyclegan", "--data", ".", "-o", "run", "--ema", "2"],
    ],
)
def test_bad_usage_is_exit_code_2(run: Run, model: Path, arguments: list[str]) -> None:
    picture("a.png")
    assert run(*(model if argument == "MODEL" else argument for argument in arguments))[0] == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("translate", "a.png", "-o", "b.png", "-m", "x", "--max-megapixels", "inf"),
        ("serve", "x", "--max-megabytes", "inf"),
        ("study", "make", "x", "y", "--data", ".", "-o", "out", "--seconds", "inf"),
        ("export", "x", "-o", "out", "--least-psnr", "nan"),
    ],
)
def test_what_is_no_number_is_refused_by_every_option(run: Run, arguments: tuple[str, ...]) -> None:
    option, value = arguments[-2:]
    assert run(*arguments) == (2, "", f"error: {option} {value} was given: expected a number.\n")


@pytest.mark.parametrize(
    ("typed", "meant"), [("Translate", "translate"), ("TRAIN", "train"), ("new_plugin", "new-plugin")]
)
def test_a_misspelt_command_gets_the_right_one(run: Run, typed: str, meant: str) -> None:
    code, _, err = run(typed)
    assert code == 2
    assert f"No such command '{typed}'. Did you mean '{meant}'?" in " ".join(err.replace("│", " ").split())


def test_unexpected_errors_are_one_line_and_debug_shows_more(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr("attn_i2i.translate.jobs.plan_jobs", broken)
    code, _, err = run("translate", "a.png", "-o", "out", "-m", "x")
    assert (code, err) == (1, "error: RuntimeError: two lines (run with --debug to see where)\n")
    assert "Traceback" in run("translate", "a.png", "-o", "out", "-m", "x", "--debug")[2]


def test_interruption_is_exit_code_130(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("attn_i2i.translate.jobs.plan_jobs", interrupted)
    assert run("translate", "a.png", "-o", "out", "-m", "x")[0] == 130


@pytest.mark.filterwarnings("default::attn_i2i.plugins.PluginWarning")
def test_a_broken_plugin_costs_only_its_own_commands(run: Run) -> None:
    from attn_i2i.hookspecs import hookimpl
    from attn_i2i.plugins import manager

    class Broken:
        @hookimpl
        def register_commands(self, app: object) -> None:
            raise ImportError("no such part")

    plugin = Broken()
    manager().register(plugin, "broken-commands")
    try:
        code, _, err = run("--version")
    finally:
        manager().unregister(plugin)
    assert code == 0
    assert err == "warning: the commands of plugin 'broken-commands' were skipped: ImportError: no such part\n"


def test_the_module_runs_as_a_command() -> None:
    environment = os.environ | {"ATTN_I2I_PLUGINS": ""}
    command = [sys.executable, "-m", "attn_i2i.cli", "--help"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "translate" in done.stdout


@pytest.mark.parametrize(
    "command", ["translate a.png -m x", "evaluate x --data d", "export x", "train --resume", "demo"]
)
@pytest.mark.parametrize("output", ["-o -", "--output=-"])
def test_nothing_is_written_into_a_folder_called_dash(run: Run, command: str, output: str) -> None:
    code, _, err = run(*command.split(), *output.split())
    assert (code, err) == (
        2,
        "error: -o - was given, but results go to files: give the name of a folder, or of a file.\n",
    )


def test_a_files_name_cannot_steer_the_terminal(run: Run, tmp_path: Path) -> None:
    (tmp_path / "\x1b[2Jwiped\x9b.png").touch()
    _, out, err = run("translate", str(tmp_path), "-o", str(tmp_path / "out"), "-m", "cyclegan-flat2clay")
    assert r"\x1b[2Jwiped\x9b.png" in err
    assert not {"\x1b", "\x9b"} & set(out + err)
