"""The pictures that this distribution ships, read from their archives one by one."""

from __future__ import annotations

import io
import zipfile
from functools import cache
from importlib.resources import as_file, files

from PIL import Image

DATA = files(__package__) / "data"


@cache
def members(archive: str) -> tuple[str, ...]:
    """Names in ``archive`` ("fruit/fruit.zip"), sorted."""
    with as_file(DATA / archive) as path, zipfile.ZipFile(path) as source:
        return tuple(sorted(source.namelist()))


@cache
def _content(archive: str) -> dict[str, bytes]:
    with as_file(DATA / archive) as path, zipfile.ZipFile(path) as source:
        return {name: source.read(name) for name in source.namelist()}


def picture(archive: str, name: str) -> Image.Image:
    """One picture of ``archive``, decoded."""
    image = Image.open(io.BytesIO(_content(archive)[name]))
    image.load()
    return image
