"""Installs the distributions under tests/plugins as pip would, without pip: their modules and metadata in a folder."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

FOLDER = Path(__file__).with_name("plugins")


def install(site: Path, *names: str) -> Path:
    """Install into ``site``, a folder that is or will be on ``sys.path``."""
    for name in names:
        source = FOLDER / name
        project = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        modules = [Path(shutil.copy(path, site)) for path in source.glob("*.py")]
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
