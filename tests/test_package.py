"""What is declared, what is imported and what is shipped agree."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import packages_distributions

from .helpers.source import PACKAGE, ROOT, imports

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def names(requirements: list[str]) -> set[str]:
    """Normalised distribution names of requirement strings."""
    return {re.split(r"[^A-Za-z0-9._-]", line)[0].lower().replace("_", "-") for line in requirements}


def test_every_import_is_of_a_declared_dependency() -> None:
    extras = PROJECT["optional-dependencies"]
    used = [requirements for extra, requirements in extras.items() if extra not in ("docs", "test", "dev")]
    declared = names(sum(used, PROJECT["dependencies"]))
    roots = {name.partition(".")[0] for found in imports().values() for name in found}
    roots -= {*sys.stdlib_module_names, "_typeshed", PACKAGE}  # type checkers bring _typeshed with them
    suppliers = packages_distributions()  # it reads the metadata of all that is installed: once is enough
    assert not {root for root in roots if not names(suppliers.get(root, [])) & declared}


def test_version_is_the_distributions() -> None:
    import attn_i2i

    assert attn_i2i.__version__ == PROJECT["version"]


def test_readme_licence_and_type_marker_are_there() -> None:
    assert (ROOT / PROJECT["readme"]).is_file()
    assert all((ROOT / name).is_file() for name in PROJECT["license-files"])
    assert (ROOT / PACKAGE / "py.typed").is_file()


def test_a_file_is_one_idea() -> None:
    folders = [ROOT / name for name in (PACKAGE, "tests", "plugins", "benchmarks")]
    files = [path for folder in folders for path in folder.rglob("*.py")]
    assert len(files) > 700
    assert [path.name for path in files if len(path.read_text(encoding="utf-8").splitlines()) > 300] == []
