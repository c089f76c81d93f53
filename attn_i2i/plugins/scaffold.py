"""Writes a plugin that works: a distribution with an entry point, a generator, a test and a README."""

from __future__ import annotations

import keyword
import re
import tomllib
from importlib.resources import files
from pathlib import Path
from string import Template

from ..files import TargetExistsError, atomic_dir
from ..types import ConfigError
from ..version import __version__
from ._manager import manager

TEMPLATES = {
    "pyproject.toml": "pyproject.toml.in",
    "README.md": "README.md.in",
    "$module/__init__.py": "plugin.py.in",
    "$module/networks.py": "networks.py.in",
    "tests/test_$module.py": "test_plugin.py.in",
}


# Distributions of this project: whoever installs both would have one folder of modules for two plugins.
OURS = frozenset({"attn-i2i", "distill", "emoji", "hosts", "photo2cartoon", "tasks", "uvcgan2"})


def new_plugin(name: str, directory: Path | None = None, *, force: bool = False) -> Path:
    """Write the distribution ``attn-i2i-<name>`` to ``directory``, by default a folder of that name, and return it.

    Raises ConfigError for a name that cannot be a module's or is taken. Raises TargetExistsError for a folder that is
    not empty; with ``force`` only for a folder that is not this plugin's.
    """
    name = re.sub(r"^attn[-_]i2i[-_]", "", name)
    if not re.fullmatch(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*", name) or keyword.iskeyword(name):
        raise ConfigError(
            f"{name!r} cannot name a plugin: use small letters, digits and single hyphens, such as my-gan."
        )
    _check_free(name)
    values = {"name": name, "distribution": f"attn-i2i-{name}", "version": __version__}
    values["module"] = values["distribution"].replace("-", "_")
    target = directory or Path(values["distribution"])
    if force and target.is_dir() and any(target.iterdir()) and not _is_distribution(target, values["distribution"]):
        raise TargetExistsError(
            f"{target} is not the plugin {values['distribution']}, so force=True does not replace it: choose another"
            " folder."
        )
    with atomic_dir(target, force=force) as work:
        for path, template in TEMPLATES.items():
            text = (files(__package__) / "templates" / "plugin" / template).read_text(encoding="utf-8")
            file = work / Template(path).substitute(values)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(Template(text).substitute(values), encoding="utf-8")
    return target


def _check_free(name: str) -> None:
    """Raise ConfigError where another plugin, or a generator of another one, is called ``name`` already."""
    if name in OURS:
        raise ConfigError(
            f"{name!r} is taken by a distribution of this project: choose another name, such as my-{name}."
        )
    here = manager()
    for plugin in here.discovered:
        own = (
            plugin.point is not None and plugin.point.dist is not None and plugin.point.dist.name == f"attn-i2i-{name}"
        )
        if own:
            continue
        if plugin.name == name or name in here.zoo.supplied(plugin.name).get("generator", ()):
            kind = "plugin" if plugin.name == name else "generator of the plugin"
            raise ConfigError(f"{name!r} is taken by the {kind} {plugin}: choose another name, such as my-{name}.")


def _is_distribution(folder: Path, name: str) -> bool:
    """Whether a folder's pyproject.toml is of the distribution ``name``."""
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8")).get("project")
    except (OSError, ValueError):
        return False
    return isinstance(project, dict) and project.get("name") == name
