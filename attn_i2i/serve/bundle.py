"""Everything of a page as one archive: pictures whole, and what made them."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..files import fitting_name
from ..files.temporary import temporary_folder
from ..images.write import output_name, to_pil
from ..translate.options import Options
from ..translate.result import Result
from ..types import ConfigError
from ..version import __version__
from .desk import Desk
from .session import Session
from .told import without_paths
from .views import draw, encoded, part_names


def bundle(desk: Desk, session: Session, options: Options) -> bytes:
    """A ZIP archive: a folder for each model with output, masks, contents and heatmap, and ``settings.json``.

    The output has the depth and the metadata of its source. Raises ConfigError where there is no result.
    """
    with session.lock:
        numbers = [i for i, slot in enumerate(session.slots) if slot.result is not None]
        results = {i: desk.composed(session, i, options) for i in numbers}
        picture, digest, limit = session.picture, session.digest, session.limit
        models = {i: session.slots[i].model | {"note": session.slots[i].note} for i in numbers}
        for i, result in results.items():
            models[i]["composited"] = options.composites and (result.mask is not None or limit is not None)
    if not results or picture is None:
        raise ConfigError("There is no translation to download yet.")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:  # PNG is packed already
        folders = {i: f"{i + 1}-{_plain(str(models[i]['name']))}" for i in results}
        for i, result in results.items():
            _add_result(archive, folders[i], result)
        if limit is not None:
            archive.writestr("painted-mask.png", encoded(to_pil(limit)))
        about = _settings(options, picture.name, digest, limit is not None)
        about["models"] = {folders[i]: models[i] for i in results}
        archive.writestr("settings.json", json.dumps(_without_paths(about), indent=2, ensure_ascii=False) + "\n")
    return stream.getvalue()


def _add_result(archive: zipfile.ZipFile, folder: str, result: Result) -> None:
    name = output_name(result.name, transparency=result.alpha is not None)
    with temporary_folder() as work:
        path = result.save(Path(work, fitting_name(f"output-{Path(name).stem}", Path(name).suffix)))
        archive.write(path, f"{folder}/{path.name}")
    for part in part_names(result):
        if part != "output":
            archive.writestr(f"{folder}/{part}.png", encoded(draw(result, part)))


def _settings(options: Options, name: str, digest: str, painted: bool) -> dict[str, Any]:
    return {
        "attn_i2i": __version__,
        "picture": {"name": name, "sha256": digest},
        "settings": asdict(options) | {"painted_mask": painted},
    }


def _without_paths(value: Any) -> Any:
    """JSON whose texts name no folder of this machine."""
    if isinstance(value, dict):
        return {key: _without_paths(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_paths(inner) for inner in value]
    return without_paths(value) if isinstance(value, str) else value


def _plain(name: str) -> str:
    """A model's name as a folder's."""
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name).strip(".")[:80] or "model"
