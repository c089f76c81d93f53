"""What ``benchmarks.gpu`` measured, as it is measured: rows a section, one JSON file and one page of tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

from attn_i2i.files import atomic_path

Row = Mapping[str, Any]
JSON, PAGE = "gpu.json", "gpu.md"
PASSED = "passed"  # the column of a check: True, or the row fails
CAUSE_LINES = 30  # of a traceback: its end, where the cause is


class Settings(NamedTuple):
    """What every section is told: where to compute, small or whole, and the folders of reference cases.

    With ``warm`` a section only compiles what it will time later, so that its compiler's cache holds it.
    """

    device: str = "cuda"
    quick: bool = False
    cases: tuple[str, ...] = ()
    warm: bool = False


@dataclass
class Report:
    """The sections done so far, under their titles; each change is written at once."""

    folder: Path
    head: str
    sections: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, name: str, title: str, rows: Sequence[Row], *, error: str = "", seconds: float = 0.0) -> None:
        """Take in one section, whole or cut short by ``error``."""
        self.sections[name] = {
            "title": title,
            "seconds": round(seconds, 1),
            "rows": [plain(row) for row in rows],
            "error": error,
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        document = {"head": self.head, "sections": self.sections}
        for name, text in ((JSON, json.dumps(document, indent=1)), (PAGE, self.page())):
            with atomic_path(self.folder / name, force=True) as work:
                work.write_text(text, encoding="utf-8")

    def failures(self) -> list[str]:
        """One line for each section that broke off and each check that failed."""
        lines = []
        for name, section in self.sections.items():
            if section["error"]:
                lines.append(f"{name}: {section['error'].strip().splitlines()[-1]}")
            lines += [f"{name}: {described(row)}" for row in section["rows"] if row.get(PASSED) is False]
        return lines

    def page(self) -> str:
        """All tables in Markdown: sections of one title share a table, and what went wrong comes last."""
        parts = [f"# {self.head}"]
        for title in dict.fromkeys(section["title"] for section in self.sections.values()):
            same = [section for section in self.sections.values() if section["title"] == title]
            parts.append(f"## {title}\n\n{table([row for section in same for row in section['rows']])}")
        for name, section in self.sections.items():
            if section["error"]:
                parts.append(f"## {name} broke off\n\n```\n{cut(section['error'])}\n```")
        return "\n\n".join(parts) + "\n"


def plain(row: Row) -> Row:
    """A row in which NaN and the infinite, which JSON does not know, are text."""
    return {
        name: value if not isinstance(value, float) or isfinite(value) else str(value) for name, value in row.items()
    }


def table(rows: Sequence[Row]) -> str:
    """Rows in Markdown; columns as they appear and verdicts last, numbers to the right."""
    columns = sorted(dict.fromkeys(name for row in rows for name in row), key=PASSED.__eq__)
    if not columns:
        return "No rows."
    numeric = {c for c in columns if all(isinstance(row.get(c, 0), int | float) for row in rows)}
    lines = ["| " + " | ".join(columns) + " |", "|" + "|".join("--:" if c in numeric else "---" for c in columns) + "|"]
    lines += ["| " + " | ".join(shown(row.get(column, "")) for column in columns) + " |" for row in rows]
    return "\n".join(lines)


def shown(value: Any) -> str:
    """A cell: yes or no, a number to three digits, or text on one line."""
    if isinstance(value, bool):
        return "yes" if value else "**no**"
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return " ".join(str(value).replace("|", "/").split())


def described(row: Row) -> str:
    return ", ".join(f"{name} {shown(value)}" for name, value in row.items() if name != PASSED)


def cut(text: str) -> str:
    """The last lines of a traceback."""
    return "\n".join(text.strip().splitlines()[-CAUSE_LINES:])
