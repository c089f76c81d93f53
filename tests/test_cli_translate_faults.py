"""`attn-i2i translate` where files, names, links, disks or users get in its way."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from torch import Tensor, nn

from attn_i2i import Translation
from attn_i2i.files import DiskFullError, atomic_path
from attn_i2i.translate.standing import Standing

from .helpers.clips import write_animation
from .helpers.commands import Run, files, picture, pixels, run_cli, write_model
from .helpers.registered import registering


def test_what_is_left_out_of_a_folder_is_counted_and_named(run: Run, model: Path) -> None:
    picture("in/a.png")
    picture("in/b.png").rename("in/b.jfif")
    for name in ("c.psd", "d.avi", "e.txt", "f", "g.csv", "h.md", "i.xml", ".DS_Store"):
        Path("in", name).write_bytes(b"x")
    code, out, err = run("translate", "in", "-o", "out", "-m", model)
    assert (code, out) == (1, "2 of 3 pictures translated to out\n")
    assert files("out") == ["a.png", "b.jfif"]
    assert err.splitlines() == [
        "skipped: in/c.psd is a picture of a format that is not read here: export it as PNG or TIFF first (with"
        " GIMP or ImageMagick).",
        "left out: 6 files that are no pictures: in/d.avi, in/e.txt, in/f, in/g.csv, in/h.md and 1 more",
    ]


def test_links_that_loop_give_each_picture_once(run: Run, model: Path) -> None:
    picture("in/a.png")
    for name in ("l", "m"):
        Path("in", name).symlink_to(".")
    code, out, err = run("translate", "in", "-o", "out", "-m", model, "-r")
    assert (code, out, err) == (0, "1 picture translated to out\n", "")
    assert files("out") == ["a.png"]


def test_a_pipe_is_named_and_does_not_hang(run: Run, model: Path) -> None:
    picture("in/a.png")
    os.mkfifo("in/b.png")
    code, out, err = run("translate", "in", "-o", "out", "-m", model)
    assert (code, out) == (1, "1 of 2 pictures translated to out\n")
    assert "in/b.png is no regular file" in err


@pytest.mark.parametrize("attention", [[], ["--attention"]])
def test_pictures_of_equal_stems_are_kept_apart(run: Run, model: Path, attention: list[str]) -> None:
    for name in ("IMG.jpg", "IMG.png", "b.png"):
        picture(f"in/{name}")
    picture("in/IMG.gif", mode="P")
    assert run("translate", "in", "-o", "out", "-m", model, *attention)[0] == 0
    translated = [name for name in files("out") if not name.startswith("attention")]
    assert translated == ["IMG.gif.png", "IMG.jpg", "IMG.png", "b.png"]
    masks = [name for name in files("out") if name.endswith(".mask.png")]
    names = ("IMG.gif", "IMG.jpg", "IMG.png", "b")
    assert masks == ([f"attention/{name}.mask.png" for name in names] if attention else [])


@pytest.mark.parametrize("stem", ["x" * 246, "𝔛" * 61, "é" * 120])
def test_the_longest_names_work(run: Run, model: Path, stem: str) -> None:
    picture("in/a.png").rename(f"in/{stem}.png")
    picture("in/a.gif", mode="P").rename(f"in/{stem}.gif")
    code, _, err = run("translate", "in", "-o", "out", "-m", model, "--attention")
    assert (code, err) == (0, "")
    assert len(files("out")) == 2 + 4 + 1
    assert f"{stem}.png" in files("out")


def test_names_that_are_no_text_are_translated_and_shown_escaped(run: Run, model: Path) -> None:
    os.rename(picture("in/a.png"), b"in/caf\xe9.png")  # noqa: PTH104
    Path(os.fsdecode(b"in/bad\xe9.png")).write_bytes(b"x")
    code, _, err = run("translate", "in", "-o", "out", "-m", model, "--attention")
    assert code == 1
    assert sorted(os.listdir(b"out")) == [b"attention", b"caf\xe9.png"]  # noqa: PTH208
    assert "skipped: in/bad" in err


def test_a_terminal_that_knows_few_letters_gets_the_rest_escaped(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = {name: io.TextIOWrapper(io.BytesIO(), encoding="cp1252") for name in ("stdout", "stderr")}
    for name, stream in streams.items():
        monkeypatch.setattr(sys, name, stream)
    picture(tmp_path / "in" / "é.png")
    (tmp_path / "in" / "出.png").write_bytes(b"x")
    arguments = ["translate", str(tmp_path / "in"), "-o", str(tmp_path / "出力"), "-m", str(model)]
    assert run_cli(arguments, monkeypatch) == 1
    monkeypatch.undo()
    for stream in streams.values():
        stream.flush()
    assert rb"\u51fa\u529b" in streams["stdout"].buffer.getvalue()  # type: ignore[attr-defined]
    assert rb"\u51fa.png" in streams["stderr"].buffer.getvalue()  # type: ignore[attr-defined]
    assert (tmp_path / "出力" / "é.png").exists()


def test_a_full_disk_under_the_contact_sheet_hides_nothing(
    run: Run, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise DiskFullError("the disk of out is full")

    monkeypatch.setattr("attn_i2i.translate.batch.contact_sheet", full)
    picture("in/a.png")
    Path("in/b.png").write_bytes(b"x")
    code, out, err = run("translate", "in", "-o", "out", "-m", model, "--attention")
    assert (code, out.splitlines()[0]) == (1, "1 of 2 pictures translated to out")
    assert "skipped: in/b.png" in err
    assert "contact_sheet.png: the disk of out is full" in err


@pytest.mark.parametrize("kind", ["overlay.png", "a.png", "a.gif"])
def test_a_full_disk_names_what_stands_of_the_picture(
    run: Run, model: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Attention is written before a translation, of clips too; what stood there before this run is not named."""
    replace = Path.replace

    def full(path: Path, target: Path) -> Path:
        if target.name.endswith(kind):
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return replace(path, target)

    source = picture("in/a.png")
    if kind == "a.gif":
        source = write_animation(
            Path("in/a.gif"), [np.full((16, 24, 3), level, np.uint8) for level in (0, 90)], [50, 50], 0
        )
    monkeypatch.setattr(Path, "replace", full)
    code, _, err = run("translate", source, "-o", "out", "-m", model, "--attention")
    told = err.splitlines()[0]
    assert code == 1
    assert f"{kind.replace('overlay', 'a.overlay')} was not changed; written before that: out/attention/a.mask" in told
    assert ("overlay" in told.partition("written before that")[2]) == (kind != "overlay.png")


def test_files_that_stood_before_are_not_named(tmp_path: Path) -> None:
    old, replaced, new, absent = (tmp_path / name for name in ("old", "replaced", "new", "absent"))
    for path in (old, replaced):
        path.write_text("before")
    standing = Standing([old, replaced, new, absent])
    assert standing.told() == ""
    for path in (replaced, new):
        with atomic_path(path, force=True) as work:
            work.write_text("after")
    assert standing.told() == f"; written before that: {replaced}, {new}"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["in", "-o", "-"], "-o - was given"),
        (["in", "-o", "x.png"], "x.png is the name of one picture: 2 pictures need a folder"),
        (["in/a.png", "in/b.png", "-o", "new/x.heic"], "new/x.heic is the name of one picture"),
    ],
)
def test_outputs_that_are_no_folder_are_refused(run: Run, model: Path, arguments: list[str], says: str) -> None:
    picture("in/a.png")
    picture("in/b.png")
    code, out, err = run("translate", *arguments, "-m", model)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert says in err
    assert sorted(os.listdir()) == ["in"]  # noqa: PTH208


def test_a_folder_may_be_called_like_a_picture(run: Run, model: Path) -> None:
    picture("in/a.png")
    picture("in/b.png")
    Path("x.png").mkdir()
    assert run("translate", "in", "-o", "x.png", "-m", model)[0] == 0
    assert files("x.png") == ["a.png", "b.png"]


def test_one_mask_serves_pictures_of_several_sizes_of_its_aspect(run: Run, model: Path) -> None:
    picture("in/a.png", (24, 16))
    picture("in/b.png", (48, 32))
    picture("in/c.png", (32, 32))
    Image.fromarray(np.zeros((16, 24), np.uint8)).save("mask.png")
    code, out, err = run("translate", "in", "-o", "out", "-m", model, "--mask", "mask.png")
    assert (code, out) == (1, "2 of 3 pictures translated to out\n")
    assert err.startswith("skipped: in/c.png: c.png: The mask is 24x16 and the picture 32x32 pixels (width x height)")
    assert all((pixels(f"in/{name}") == pixels(f"out/{name}")).all() for name in ("a.png", "b.png"))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
@pytest.mark.parametrize("moment", ["save", "replace"])
def test_an_interruption_leaves_no_temporary_file_and_says_what_was_done(
    run: Run, model: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, code: int, moment: str
) -> None:
    """It comes while the second picture is written, before it has its name or after: that picture is finished."""
    owner = Image.Image if moment == "save" else Path
    work, calls = getattr(owner, moment), []

    def interrupted(*arguments: Any, **options: Any) -> None:
        work(*arguments, **options)
        calls.append(moment)
        if len(calls) == 2:
            os.kill(os.getpid(), number)
            time.sleep(0.2)  # until the main thread has been told

    for name in ("a.png", "b.png", "c.png"):
        picture(f"in/{name}")
    monkeypatch.setattr(owner, moment, interrupted)
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP)}
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup, or what runs the tests, may have it ignored
    try:
        answer, out, err = run("translate", "in", "-o", "out", "-m", model)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    assert (answer, files("out")) == (code, ["a.png", "b.png"])
    assert out == "2 of 3 pictures translated to out\n"
    assert err == "interrupted: what is done stays, and --skip-existing goes on from there\n"


class Choosy(nn.Module):
    """A stranger's network that stumbles over one size."""

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        return Translation(image * {16: 1.0, 32: 0.5}[image.shape[-2]])


def test_whatever_a_network_raises_costs_one_picture(run: Run) -> None:
    Path("model").mkdir()
    with registering(generators={"choosy": Choosy}):
        write_model(Path("model"), "choosy")
        picture("in/a.png", (24, 16))
        picture("in/b.png", (24, 20))
        picture("in/c.png", (24, 32))
        code, out, err = run("translate", "in", "-o", "out", "-m", "model")
    assert (code, out) == (1, "2 of 3 pictures translated to out\n")
    assert err == "skipped: in/b.png: KeyError: 20\n"
