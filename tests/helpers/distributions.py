"""Installs the distributions under tests/plugins as pip would, without pip: their modules and metadata in a folder."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

FOLDER = Path(__file__).with_name("plugins")


def install(site: Path, *sources: str | Path) -> Path:
    """Install into ``site``, a folder that is or will be on ``sys.path``; a source is a name below, or a folder."""
    for source in (FOLDER / one for one in sources):
        project = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        modules = [
            _copy(path, site) for path in source.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
        ]
        info = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
        info.mkdir()
        head = ["Metadata-Version: 2.4", f"Name: {project['name']}", f"Version: {project['version']}"]
        head += [f"Requires-Dist: {requirement}" for requirement in project["dependencies"]]
        (info / "METADATA").write_text("\n".join(head) + "\n", encoding="utf-8")
        points = [f"{key} = {value}" for key, value in project["entry-points"]["attn_i2i"].items()]
        (info / "entry_points.txt").write_text("\n".join(["[attn_i2i]", *points, ""]), encoding="utf-8")
        record = [f"{module.name},," for module in modules] + [f"{info.name}/{file.name},," for file in info.iterdir()]
        (info / "RECORD").write_text("\n".join([*record, f"{info.name}/RECORD,,", ""]), encoding="utf-8")
    return site


def _copy(path: Path, site: Path) -> Path:
    """A module or a package, at its new place."""
    if path.is_dir():
        return Path(shutil.copytree(path, site / path.name))
    return Path(shutil.copy(path, site))
