"""What of a model folder may go up: regular files of its own, pictures drawn anew, and nothing else."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms, ImageOps

from ..files import open_regular, read_small
from ..models.checksums import SUMS
from ..types import AttnI2IError, ModelError

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
MOST_SAMPLES = 12  # pictures of a model card: a choice, they are seen at a glance
SAMPLE_BYTES, SAMPLE_PIXELS = 2**25, 4096 * 4096  # pictures for a model's page; larger ones are data
PATH = re.compile(r"^(file:|~?[/\\]|~|[A-Za-z]:[/\\])")


@dataclass
class Uploads:
    """What goes up by its name in the repository, and by its name here what stays, with the reason."""

    contents: dict[str, bytes | io.BufferedReader] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """One line a file, with its size; then what is left out."""
        for name, content in self.contents.items():
            yield f"  {name}  ({_size(content)} bytes)"
        for name, why in self.left_out.items():
            yield f"  left out: {name}: {why}"

    def close(self) -> None:
        """Close the files that are open."""
        for content in self.contents.values():
            if not isinstance(content, bytes):
                content.close()


def weights_of(directory: Path, name: str) -> io.BufferedReader:
    """A weights file of the folder, opened; raises ModelError for what only leads to one."""
    try:
        return open_regular(directory / name, links=False)
    except AttnI2IError as error:
        raise ModelError(f"{error}, and what lies elsewhere is not published: put the file itself there.") from error


def add_samples(directory: Path, uploads: Uploads) -> None:
    """Draw the pictures of the folder's ``samples`` anew, without what cameras and programs note in them."""
    folder = directory / "samples"
    if folder.is_symlink():
        uploads.left_out["samples"] = "a symbolic link"
        return
    count = 0
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        name = f"samples/{path.name}"
        if path.suffix.lower() not in FORMATS or path.name.startswith("."):
            uploads.left_out[name] = "no picture by its name"
        elif count == MOST_SAMPLES:
            uploads.left_out[name] = f"more than {MOST_SAMPLES} pictures"
        else:
            try:
                uploads.contents[name] = redrawn(path)
                count += 1
            except (AttnI2IError, OSError) as error:
                uploads.left_out[name] = str(error).removeprefix(f"{path} ").rstrip(".")


def redrawn(path: Path) -> bytes:
    """A picture encoded anew from its pixels alone, turned as its metadata asks.

    Raises ModelError or UnreadableFileError for any other file.
    """
    data = read_small(path, SAMPLE_BYTES, links=False)
    kind = FORMATS[path.suffix.lower()]
    try:
        with Image.open(io.BytesIO(data), formats=sorted(set(FORMATS.values()))) as picture:
            if picture.width * picture.height > SAMPLE_PIXELS:
                raise ModelError(f"{path} has more than {SAMPLE_PIXELS} pixels.")
            upright = _plain(picture)
    except ModelError:  # a ValueError, too
        raise
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ModelError(f"{path} cannot be read as a picture.") from error
    bare = Image.frombytes(upright.mode, upright.size, upright.tobytes())
    out = io.BytesIO()
    bare.convert("RGB" if kind == "JPEG" and bare.mode != "L" else bare.mode).save(out, kind, **_quality(kind))
    return out.getvalue()


def _plain(picture: Image.Image) -> Image.Image:
    """8-bit grey, RGB or RGBA in sRGB: what a page shows."""
    picture.load()
    profile = picture.info.get("icc_profile")
    turned = ImageOps.exif_transpose(picture)
    transparent = "A" in turned.getbands() or "transparency" in turned.info
    plain = turned if turned.mode in ("L", "RGB", "RGBA") and not transparent else None
    plain = plain or turned.convert("RGBA" if transparent else "RGB")
    if profile and plain.mode == "RGB":
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return ImageCms.profileToProfile(plain, source, ImageCms.createProfile("sRGB")) or plain
        except (ImageCms.PyCMSError, OSError):
            return plain
    return plain


def _quality(kind: str) -> dict[str, Any]:
    return {} if kind == "PNG" else {"quality": 95}


def add_left_out(directory: Path, uploads: Uploads) -> None:
    """Note what lies in the folder and stays there."""
    for path in sorted(directory.iterdir()):
        if path.name not in (*uploads.contents, *uploads.left_out, "samples", SUMS):
            uploads.left_out[path.name] = "not part of a model"


def without_paths(value: Any) -> Any:
    """A part of a configuration with absolute paths of this machine cut to their last name."""
    if isinstance(value, dict):
        return {without_paths(key): without_paths(each) for key, each in value.items()}
    if isinstance(value, list):
        return [without_paths(each) for each in value]
    return re.split(r"[/\\]", value.rstrip("/\\"))[-1] if isinstance(value, str) and PATH.match(value) else value


def _size(content: bytes | io.BufferedReader) -> int:
    if isinstance(content, bytes):
        return len(content)
    return content.seek(0, io.SEEK_END) - content.seek(0)
