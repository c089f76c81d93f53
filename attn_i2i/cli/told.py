"""What ``attn-i2i translate`` says while it works, and in the end."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .wording import spelled

if TYPE_CHECKING:
    from rich.progress import Progress, Task, TaskID

    from ..translate.jobs import Job, JobList
    from ..translate.reading import TranslationReport

NAMED = 5  # files that are no pictures, by name; the rest is counted


@contextmanager
def telling(report: TranslationReport, plan: JobList, output: Path, *, attention: bool = False) -> Iterator[None]:
    """Say in the end what was done, also where an interruption or an error is the end."""
    try:
        yield
    except Exception:
        if report.written:
            _tell(report, plan, output)
        raise
    except BaseException:
        print("interrupted: what is done stays, and --skip-existing goes on from there", file=sys.stderr)
        _tell(report, plan, output)
        raise
    _tell(report, plan, output, plan.others)
    if attention and report.written:
        _tell_attention(plan.jobs)


def _tell_attention(jobs: Sequence[Job]) -> None:
    """Where masks, overlays and heatmaps are, if the model has any."""
    from ..translate.jobs import KINDS

    if any(job.attention(kind).exists() for job in jobs for kind in KINDS):
        print(f"masks and heatmaps are in {jobs[0].attention_folder}")


def _tell_others(others: Sequence[Path]) -> None:
    if others:
        from ..hub.redact import visible

        names = ", ".join(map(str, others[:NAMED])) + (
            f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
        )
        what = "1 file that is no picture" if len(others) == 1 else f"{len(others)} files that are no pictures"
        print(f"left out: {what}: {visible(names)}", file=sys.stderr)


def _tell(report: TranslationReport, plan: JobList, output: Path, others: Sequence[Path] = ()) -> None:
    """What was skipped, and how many pictures are done."""
    for path, why in report.failed:
        why = why if why.startswith(str(path)) else f"{path}: {why}"
        print(f"skipped: {spelled(why)}", file=sys.stderr)
    _tell_others(others)
    total = len(plan.jobs) + len(plan.foreign)
    count = total if len(report.written) == total else f"{len(report.written)} of {total}"
    before = f"; {len(plan.done)} were there already" if plan.done else ""
    print(f"{count} {_noun(plan)}{'s' if total > 1 else ''} translated to {output}{before}")


def _noun(plan: JobList) -> str:
    if not plan.clips:
        return "picture"
    return "file" if plan.stills or plan.foreign else "clip"


def _label(name: str) -> str:
    """A file's name as a bar shows it: without commands to the terminal, and without markup."""
    from rich.markup import escape

    from ..hub.redact import visible

    return escape(visible(name))


class _Bar:
    """What is done of all files, and of the frames of the clip at work."""

    def __init__(self, bar: Progress, total: int) -> None:
        self.bar = bar
        self.files = bar.add_task("Translating", total=total, unit="", visible=total > 1)
        self.clip: tuple[Path, TaskID] | None = None
        self.picture: tuple[str, TaskID] | None = None

    def advance(self, count: float) -> None:
        """So many files have been dealt with."""
        self.bar.advance(self.files, count)

    def watch(self, path: Path, done: int, total: int | None) -> None:
        """So many frames of a clip are done."""
        if self.clip is None or self.clip[0] != path:
            if self.clip is not None:
                self.bar.remove_task(self.clip[1])
            self.clip = path, self.bar.add_task(_label(path.name), total=total, unit="frames/s")
        self.bar.update(self.clip[1], completed=done, total=None if total is None else max(done, total))

    def parts(self, name: str, done: int, total: int) -> None:
        """So many parts of a large picture are done."""
        if self.picture is not None and self.picture[0] != name:  # which failed
            self.bar.remove_task(self.picture[1])
            self.picture = None
        if self.picture is None:
            self.picture = name, self.bar.add_task(_label(name), total=total, unit="")
        self.bar.update(self.picture[1], completed=done, total=total)
        if done == total:
            self.bar.remove_task(self.picture[1])
            self.picture = None


@contextmanager
def progress(total: int) -> Iterator[_Bar]:
    """A bar on a terminal's standard error; elsewhere nothing."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, ProgressColumn, TimeRemainingColumn
    from rich.text import Text

    class Speed(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:.1f} {task.fields['unit']}" if task.fields["unit"] and task.speed else "")

    console = Console(stderr=True)
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), Speed(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        yield _Bar(bar, total)
