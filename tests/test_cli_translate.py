"""`attn-i2i translate` as its users meet it: names, folders, errors and exit codes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .helpers.commands import Run, files, picture, pixels, write_model


def test_a_folder_keeps_its_names_and_sizes(run: Run, model: Path) -> None:
    picture("in/a.jpg", (30, 20))
    picture("in/sub/b.webp", (17, 33))
    picture("in/.hidden.png")
    Path("in/notes.txt").write_text("no picture")
    code, out, err = run("translate", "in", "-o", "out", "-m", model, "--recursive", "--device", "cpu")
    assert (code, out, err) == (
        0,
        "2 pictures translated to out\n",
        "left out: 1 file that is no picture: in/notes.txt\n",
    )
    assert files("out") == ["a.jpg", "sub/b.webp"]
    sizes = {name: pixels(f"out/{name}").shape[1::-1] for name in files("out")}
    assert sizes == {"a.jpg": (30, 20), "sub/b.webp": (17, 33)}


def test_a_bad_file_is_named_and_the_rest_is_done(run: Run, model: Path) -> None:
    picture("in/a.png")
    Path("in/b.png").write_bytes(b"nothing")
    picture("in/c.gif", mode="P")
    code, out, err = run("translate", "in", "missing.png", "-o", "out", "-m", model)
    assert code == 1
    assert files("out") == ["a.png", "c.png"]
    assert out == "2 of 4 pictures translated to out\n"
    assert [line.split(" ")[:2] for line in err.splitlines()] == [
        ["skipped:", "in/b.png"],
        ["skipped:", "missing.png:"],
    ]


def test_a_picture_that_cannot_be_translated_is_named_with_its_folder(run: Run, tmp_path: Path) -> None:
    write_model(tmp_path, "ugatit", width=4, blocks=1, light=False, image_size=16)
    picture("in/a.png")
    picture("in/b.png", (16, 16))
    code, out, err = run("translate", "in", "-o", "out", "-m", tmp_path)
    assert (code, out) == (1, "1 of 2 pictures translated to out\n")
    assert err.startswith("skipped: in/a.png: a.png is 24x16")


def test_a_broken_model_is_one_error_however_many_pictures(run: Run, tmp_path: Path) -> None:
    write_model(tmp_path, "attentiongan2", width=4, blocks=1)
    (tmp_path / "A2B.safetensors").write_bytes(b"cut")
    picture("in/a.png")
    picture("in/b.png")
    code, out, err = run("translate", "in", "-o", "out", "-m", tmp_path)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "A2B.safetensors" in err
    assert not Path("out").exists()


def test_attention_is_written_beside_the_pictures(run: Run, model: Path) -> None:
    picture("in/a.png")
    picture("in/sub/b.jpg")
    code, _, err = run("translate", "in", "-o", "out", "-m", model, "-r", "--attention")
    assert (code, err) == (0, "")
    assert files("out") == [
        "a.png",
        "attention/a.mask.png",
        "attention/a.overlay.png",
        "attention/contact_sheet.png",
        "attention/sub/b.mask.png",
        "attention/sub/b.overlay.png",
        "sub/b.jpg",
    ]
    with Image.open("out/attention/a.mask.png") as mask:
        assert (mask.mode, mask.size) == ("L", (24, 16))


def test_the_contact_sheet_is_overwritten_only_by_force(run: Run, model: Path) -> None:
    picture("a.png")
    sheet = picture("out/attention/contact_sheet.png")
    before = sheet.read_bytes()
    code, _, err = run("translate", "a.png", "-o", "out", "-m", model, "--attention")
    assert code == 1
    assert "out/attention/contact_sheet.png exists already" in err
    assert sheet.read_bytes() == before
    assert run("translate", "a.png", "-o", "out", "-m", model, "--attention", "--force")[0] == 0
    assert sheet.read_bytes() != before


def test_transparency_under_the_name_of_a_jpeg_is_kept_as_png(run: Run, model: Path) -> None:
    picture("in/a.png", mode="RGBA").rename("in/a.jpg")
    picture("in/b.png")
    picture("in/c.png", mode="RGBA").rename("in/b.jpg")
    code, out, err = run("translate", "in", "-o", "out", "-m", model, "--force")
    assert files("out") == ["a.png", "b.jpg.png", "b.png"]
    with Image.open("out/a.png") as image:
        assert image.mode == "RGBA"
    assert (code, out, err) == (0, "3 pictures translated to out\n", "")
    code, _, err = run("translate", "in/a.jpg", "-o", "named.jpg", "-m", model)
    assert code == 1
    assert "named.jpg: JPEG holds no transparency" in err


def test_one_picture_may_name_its_output(run: Run, model: Path) -> None:
    picture("a.png")
    assert run("translate", "a.png", "-o", "new/b.webp", "-m", model)[0] == 0
    assert files("new") == ["b.webp"]


def test_quoted_patterns_keep_names_below_their_fixed_part(run: Run, model: Path) -> None:
    picture("in/x/a.png")
    picture("in/y/a.png")
    picture("in/y/b.jpg")
    assert run("translate", "in/**/*.png", "-o", "out", "-m", model)[0] == 0
    assert files("out") == ["x/a.png", "y/a.png"]


def test_options_reach_the_translator(run: Run, model: Path) -> None:
    source = pixels(picture("a.png"))
    mask = np.zeros((16, 24), np.uint8)
    mask[:8] = 255
    Image.fromarray(mask).save("mask.png")
    assert run("translate", "a.png", "-o", "same", "-m", model, "--strength", 0)[0] == 0
    assert run("translate", "a.png", "-o", "half", "-m", model, "--mask", "mask.png", "--direction", "B2A")[0] == 0
    assert (pixels("same/a.png") == source).all()
    half = pixels("half/a.png")
    assert (half[8:] == source[8:]).all()
    assert (half[:8] != source[:8]).any()


def test_masks_may_be_a_folder_of_their_own(run: Run, model: Path) -> None:
    source = pixels(picture("in/a.png"))
    picture("in/b.png")
    Path("masks").mkdir()
    Image.new("L", (24, 16)).save("masks/a.png")
    code, _, err = run("translate", "in", "-o", "out", "-m", model, "--mask", "masks")
    assert code == 1
    assert "in/b.png: masks holds no mask for it" in err
    assert (pixels("out/a.png") == source).all()


@pytest.mark.parametrize(
    ("arguments", "says"), [(["--mask", "no.png"], "no.png: no such file"), (["-o", "/dev/null/x"], "cannot be made")]
)
def test_what_would_fail_every_picture_is_one_error(run: Run, model: Path, arguments: list[str], says: str) -> None:
    picture("in/a.png")
    picture("in/b.png")
    code, out, err = run("translate", "in", "-o", "out", "-m", model, *arguments)
    assert (out, err.count("\n")) == ("", 1)
    assert code > 0
    assert says in err


def test_domains_are_chosen_by_name(run: Run, tmp_path: Path) -> None:
    (tmp_path / "stars").mkdir()
    write_model(tmp_path / "stars", "stargan", ["Black_Hair", "Male"], width=4, blocks=1, domains=2)
    picture("a.png")
    code, _, err = run("translate", "a.png", "-o", "out", "-m", "stars")
    assert (code, err.count("\n")) == (2, 1)
    assert "Black_Hair, Male" in err
    assert run("translate", "a.png", "-o", "out", "-m", "stars", "--domain", "Male")[0] == 0
    assert run("translate", "a.png", "-o", "out2", "-m", "stars", "--domain", "0,1")[0] == 0
    assert Path("out/a.png").read_bytes() == Path("out2/a.png").read_bytes()


def test_networks_of_one_size_say_how_to_go_on(run: Run, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    write_model(tmp_path / "full", "ugatit", width=4, blocks=1, light=False, image_size=32)
    picture("a.png")
    code, _, err = run("translate", "a.png", "-o", "out", "-m", "full")
    assert code == 1
    assert "a.png is 24x16" in err
    assert "--size fit" in err
    assert run("translate", "a.png", "-o", "out", "-m", "full", "--size", "fit", "--attention")[0] == 0
    assert files("out") == ["a.png", "attention/a.heatmap.png", "attention/contact_sheet.png"]


def test_what_is_there_is_overwritten_only_by_force(run: Run, model: Path) -> None:
    picture("a.png")
    assert run("translate", "a.png", "-o", "out", "-m", model)[0] == 0
    before = Path("out/a.png").stat().st_mtime_ns
    code, _, err = run("translate", "a.png", "-o", "out", "-m", model)
    assert code == 1
    assert "--force" in err
    assert Path("out/a.png").stat().st_mtime_ns == before
    assert run("translate", "a.png", "-o", "out", "-m", model, "--force")[0] == 0


def test_a_second_picture_of_a_chosen_name_has_its_attention_beside_the_first(run: Run, model: Path) -> None:
    for name in ("a", "b"):
        picture("in.png")
        code, out, err = run("translate", "in.png", "-o", f"{name}.png", "-m", model, "--attention")
        assert (code, err) == (0, "")
        assert out.splitlines()[1] == "masks and heatmaps are in attention"
    assert [name for name in files("attention") if "sheet" in name] == ["a.sheet.png", "b.sheet.png"]


@pytest.mark.filterwarnings("ignore:this model gives neither masks nor heatmaps")
def test_no_attention_is_promised_of_a_model_without_any(run: Run, model: Path) -> None:
    Path("plain").mkdir()
    write_model(Path("plain"), "cyclegan", width=4, blocks=1)
    picture("a.png")
    assert run("translate", "a.png", "-o", "out", "-m", model, "--attention")[0] == 0
    code, out, _ = run("translate", "a.png", "-o", "out/b.png", "-m", "./plain", "--attention")
    assert (code, out) == (0, "1 picture translated to out/b.png\n")


def test_a_chosen_name_may_be_that_of_an_array(run: Run, model: Path) -> None:
    picture("a.png")
    assert run("translate", "a.png", "-o", "a.npy", "-m", model)[0] == 0
    assert np.load("a.npy").dtype == np.uint8


def test_outputs_inside_the_input_are_no_input(run: Run, model: Path) -> None:
    picture("in/a.png")
    for _ in range(2):
        assert run("translate", "in", "-o", "in/out", "-m", model, "-r", "-f", "--attention")[0] == 0
    assert [name for name in files("in") if "attention" not in name] == ["a.png", "out/a.png"]


def test_outputs_that_a_pattern_matches_are_no_input(run: Run, model: Path) -> None:
    picture("in/a.png")
    for _ in range(2):
        code, out, _ = run("translate", "**/*.png", "-o", "out", "-m", model, "-f", "--attention")
        assert (code, out.splitlines()[0]) == (0, "1 picture translated to out")
    assert run("translate", "in/*.png", "-o", ".", "-m", model)[0] == 0
    assert Path("a.png").exists()


@pytest.mark.parametrize(
    ("expected", "arguments", "says"),
    [
        (2, ["in", "other", "-o", "out"], "in/a.png and other/a.png would both become out/a.png"),
        (2, ["in", "-o", "in", "--force"], "in/a.png is itself an input"),
        (1, ["nothing.png", "-o", "out"], "nothing.png: no such file"),
        (1, ["empty", "-o", "out"], "empty holds no pictures"),
        (1, ["nest", "-o", "out"], "--recursive"),
        (1, ["in/*.jpg", "-o", "out"], "in/*.jpg matches no pictures"),
        (2, ["in", "other/b.png", "-o", "in/a.png"], "in/a.png is a file"),
        (2, ["other/b.png", "-o", "b.gif"], "b.gif: still pictures are not written as .gif: use .png, "),
        (2, ["other/b.png", "-o", "notes.txt"], "notes.txt is a file that is no picture: name a folder, or a picture"),
        (1, ["other/b.png", "-o", "notes.txt/b.png"], "notes.txt cannot be made (File exists): name another"),
    ],
)
def test_impossible_jobs_fail_before_anything_is_done(
    run: Run, model: Path, expected: int, arguments: list[str], says: str
) -> None:
    for name in ("in/a.png", "other/a.png", "other/b.png", "nest/x/a.png"):
        picture(name)
    Path("empty").mkdir()
    Path("notes.txt").write_text("x")
    before = files(".")
    code, out, err = run("translate", *arguments, "-m", model)
    assert (code, out) == (expected, "")
    assert err.startswith("error: ")
    assert says in err
    assert err.count("\n") == 1
    assert files(".") == before


def test_models_that_are_none_are_explained(run: Run, model: Path) -> None:
    picture("a.png")
    Path("net.pth").write_bytes(b"\x80\x02")
    for name, says in (("net.pth", "convert it first"), (".", "no config.json")):
        code, _, err = run("translate", "a.png", "-o", "out", "-m", name)
        assert code == 1
        assert says in err
    assert not Path("out").exists()


def test_bombs_are_refused_by_a_limit_of_ones_own(run: Run, model: Path) -> None:
    picture("a.png")
    code, _, err = run("translate", "a.png", "-o", "out", "-m", model, "--max-megapixels", "0.0001")
    assert code == 1
    assert "24x16 pixels" in err
