"""Formats that are not read are named by their files' names and contents, with a program that converts them."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from attn_i2i.evaluate import evaluate
from attn_i2i.images import SUFFIXES, read_image
from attn_i2i.images.foreign import FORMATS, foreign
from attn_i2i.train.data.folders import two_domains
from attn_i2i.types import UnreadableFileError

from .helpers.commands import Run, picture

DICOM = bytes(128) + b"DICM" + bytes(64)
NIFTI = (348).to_bytes(4, "little") + bytes(340) + b"n+1\0" + bytes(200)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.dcm", DICOM, r"a DICOM file: save its pixels as TIFF or \.npy first \(with Fiji, or pydicom"),
        ("slice-17", DICOM, "a DICOM file"),
        ("old.dcm", b"\x08\0\x05\0", "a DICOM file"),
        ("a.nii", NIFTI, r"a volume of medical imaging.*SimpleITK"),
        ("a.nii.gz", gzip.compress(NIFTI, mtime=0), "a volume of medical imaging"),
        ("a.tif.gz", gzip.compress(b"x", mtime=0), "a compressed file: unpack it first"),
        ("a.png", b"ZISRAWFILE\0\0", r"a microscope's own file.*bfconvert"),
        ("a.nd2", b"\xda\xce\xbe\n", "a microscope's own file"),
        ("a.lif", b"\x70\0\0\0\x10\0\0\0\x2a", "a microscope's own file"),
        ("a.svs", b"damaged", r"a scan of a slide.*QuPath"),
        ("a.fits", b"SIMPLE  =   T", r"a FITS file.*astropy"),
        ("a.png", b"8BPS\0\1", "a picture of a format that is not read here: export it as PNG or TIFF"),
        ("a.xml", b"<?xml version='1.0'?>\n<!-- by hand -->\n<SVG width='1'>", "a drawing: export it as PNG"),
        ("a.png", b"%PDF-1.7", "a PDF: export the page"),
        ("a.cr3", b"\0\0\0\x18ftypcrx \0", "a camera's raw file: export it"),
        ("photo", b"FUJIFILMCCD-RAW 0201", r"a camera's raw file.*darktable"),
        ("a.png", b"\0\0\0\x20ftypisom\0\0", "a video: name it with its ending"),
        ("a.h5", b"\x89HDF\r\n\x1a\n", "a file of arrays"),
        ("a.svg", b"\xef\xbb\xbf<!DOCTYPE html>", "a web page: download the file itself"),
    ],
)
def test_a_file_is_named_for_what_it_is(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableFileError, match=rf"{name} is {says}") as caught:
        read_image(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_an_archive_of_arrays_is_none(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((4, 4)))
    assert zipfile.is_zipfile(tmp_path / "a.npz")
    with pytest.raises(UnreadableFileError, match=r"a\.npz is an archive.*: unpack it first"):
        read_image(tmp_path / "a.npz")


def test_every_format_has_an_ending_of_its_own() -> None:
    suffixes = [suffix for form in FORMATS for suffix in form.suffixes]
    assert len(set(suffixes)) == len(suffixes)
    assert not SUFFIXES & set(suffixes)
    assert foreign(Path("A.NII.GZ")) == foreign(Path("b.nii"))
    assert foreign(Path("a.gz")) is None


def test_a_slide_that_is_a_tiff_is_read_by_its_name_all_the_same(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.svs", np.zeros((4, 6, 3), np.uint8), photometric="rgb")
    assert read_image(tmp_path / "a.svs").size == (4, 6)


def test_a_folder_of_them_says_so_wherever_pictures_are_expected(run: Run, model: Path) -> None:
    for name in ("scans/a.dcm", "data/trainA/b.czi", "data/trainB/c.czi", "shown/testA/d.nd2"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(DICOM)
    picture("mixed/a.png")
    Path("mixed/b.dcm").write_bytes(DICOM)
    code, _, err = run("translate", "scans", "-o", "out", "-m", model)
    assert (code, "holds no pictures that are read here: a.dcm is a DICOM file" in err) == (1, True)
    assert "a.dcm is a DICOM file" in run("translate", "scans/*", "-o", "out", "-m", model)[2]
    code, out, err = run("translate", "mixed", "-o", "out", "-m", model)
    assert (code, out) == (1, "1 of 2 pictures translated to out\n")
    assert "skipped: mixed/b.dcm is a DICOM file" in err
    with pytest.raises(UnreadableFileError, match=r"that are read here: b\.czi is a microscope's own file"):
        two_domains("data")
    with pytest.raises(UnreadableFileError, match=r"that are read here: d\.nd2 is a microscope's own file"):
        evaluate([model], "shown")


def test_a_translation_is_not_written_as_one(run: Run, model: Path) -> None:
    Image.new("RGB", (24, 16)).save("a.png")
    code, _, err = run("translate", "a.png", "-o", "b.dcm", "-m", model)
    assert (code, err.startswith("error: b.dcm: still pictures are not written as .dcm: use .png, ")) == (2, True)
