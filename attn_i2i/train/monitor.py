"""What a run tells while it goes on: a bar, a table of losses, TensorBoard."""

from __future__ import annotations

import csv
import io
import math
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text
from torch import Tensor

from ..devices import widest
from ..files import append_text, atomic_path
from ..hub.redact import visible
from ..types import AttnI2IError, ConfigError, UnreadableFileError

LOSSES = "losses.csv"


class DivergedError(AttnI2IError, ArithmeticError):
    """A training whose losses are no longer numbers."""


def after_diverging(bf16: bool, saved: bool) -> str:
    """What to do about losses that are no numbers, by what the run computes in and whether it has a checkpoint."""
    slower = 'begin another run with a lower learning rate (recipe_options={"learning_rate": ...})'
    if bf16:
        again = "continue from the last checkpoint in fp32 (resume=True, precision='fp32')"
        return f"{again}, or {slower}" if saved else f"train again in fp32 (precision='fp32'), or {slower}"
    return f"{slower}, from the model of the last checkpoint if you like (start=RUN)" if saved else slower


class Averages:
    """Means of loss terms since they were last read, over steps and processes; nothing waits for the device till then.

    Every process reads at the same steps, so that all of them stop where one of them diverged.
    """

    def __init__(
        self,
        mean_over_processes: Callable[[Tensor], Tensor] = lambda totals: totals,
        advice: Callable[[], str] = lambda: after_diverging(bf16=False, saved=False),
    ) -> None:
        self._mean_over_processes, self._advice = mean_over_processes, advice
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def add(self, losses: Mapping[str, Tensor]) -> None:
        """Take in one batch's losses."""
        for name, value in losses.items():
            value = value.detach().to(widest(value.device))
            self._sums[name] = value if name not in self._sums else self._sums[name] + value
            self._counts[name] = self._counts.get(name, 0) + 1

    def read(self, step: int) -> dict[str, float]:
        """The means, and start again; raises DivergedError where one is not finite."""
        if not self._sums:
            return {}
        totals = self._mean_over_processes(torch.stack(list(self._sums.values()))).tolist()
        means = {name: total / self._counts[name] for name, total in zip(self._sums, totals, strict=True)}
        self._sums, self._counts = {}, {}
        if wrong := [name for name, mean in means.items() if not math.isfinite(mean)]:
            raise DivergedError(
                f"step {step}: the loss {' and '.join(wrong)} became NaN or infinite, so the run was stopped:"
                f" {self._advice()}."
            )
        return means


class Monitor:
    """Shows and records losses; only the first process has one that does anything."""

    def __init__(self, run: Path, *, first: int, last: int, active: bool, tensorboard: bool) -> None:
        self.path, self.active = run / LOSSES, active
        self._began, self._first = time.perf_counter(), first
        self._board = _tensorboard(run, first) if active and tensorboard else None
        console = Console(stderr=True)
        self._last, self._watched = last, console.is_terminal
        self._bar = Bar(
            TextColumn("step"),
            MofNCompleteColumn(),
            BarColumn(20),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=console,
            disable=not (active and console.is_terminal),
        )
        self._task = self._bar.add_task("", total=last, completed=first, speed="", losses="")

    def __enter__(self) -> Monitor:
        if self.active:
            _keep_rows(self.path, self._first)
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
        if self._board is not None:
            self._board.close()

    def advance(self, step: int) -> None:
        """Another step is done."""
        self._bar.update(self._task, completed=step)

    def report(self, step: int, rate: float, losses: Mapping[str, float]) -> None:
        """Show and record the mean losses up to ``step``."""
        if not (self.active and losses):
            return
        speed = (step - self._first) / max(time.perf_counter() - self._began, 1e-9)
        shown = "  ".join(f"{name} {value:.3g}" for name, value in losses.items())
        self._bar.update(self._task, speed=f"{speed:.2f}/s", losses=shown)
        if not self._watched:
            left = timedelta(seconds=round((self._last - step) / max(speed, 1e-9)))
            self.say(f"step {step}/{self._last}  {speed:.2f}/s  {left} left  {shown}")
        _append(self.path, {"step": step, "learning_rate": rate, **losses})
        if self._board is not None:
            for name, value in losses.items():
                self._board.add_scalar(name, value, step)

    def say(self, message: str) -> None:
        """One line above the bar, or on standard error where there is none."""
        if self.active:
            self._bar.console.print(visible(message), highlight=False, markup=False, soft_wrap=True)


class Bar(Progress):
    """One line on how far the run is, whole at 80 columns, and the losses below it."""

    def get_renderables(self) -> Iterable[RenderableType]:
        """The line of each task, and its losses."""
        yield self.make_tasks_table(self.tasks)
        for task in self.tasks:
            if shown := task.fields["losses"]:
                yield Text(shown)


def _append(path: Path, row: Mapping[str, Any]) -> None:
    """Add a row; columns that earlier rows lack (losses of every n-th step) are added to those as empty."""
    with path.open("a+", encoding="utf-8") as file:
        file.seek(0)
        columns = file.readline().strip().split(",")
    if set(row) <= set(columns):
        line = io.StringIO()
        csv.DictWriter(line, columns, lineterminator="\n").writerow(row)
        append_text(path, line.getvalue())
    else:
        columns, rows = _read_rows(path)
        _write_rows(path, [*columns, *(name for name in row if name not in columns)], [*rows, row])


def _keep_rows(path: Path, last: int) -> None:
    """Drop rows of steps after ``last``: the run that wrote them was killed and does them again.

    Raises UnreadableFileError for a file that is not what a run writes.
    """
    try:
        columns, rows = _read_rows(path)
        earlier = [row for row in rows if int(row["step"]) <= last]
        if any(None in row or None in row.values() for row in rows):
            raise ValueError("a row has not as many values as there are columns")
    except (OSError, ValueError, TypeError, KeyError, csv.Error) as error:
        why = "it has no column step" if isinstance(error, KeyError) else error
        raise UnreadableFileError(
            f"{path} is damaged ({why}): move it away to go on without the losses of the steps behind it."
        ) from error
    if columns:
        _write_rows(path, columns, earlier)


def _read_rows(path: Path) -> tuple[list[str], list[Mapping[str, Any]]]:
    """Columns and whole rows; a last one cut short by a kill is left out."""
    if not path.exists():
        return [], []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    reader = csv.DictReader(line for line in lines if line.endswith("\n"))
    return list(reader.fieldnames or []), list(reader)


def _write_rows(path: Path, columns: list[str], rows: list[Mapping[str, Any]]) -> None:
    with atomic_path(path, force=True) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _tensorboard(run: Path, first: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ConfigError(f"TensorBoard is not installed ({error}): pip install attn-i2i[train].") from error
    return SummaryWriter(str(run / "tensorboard"), purge_step=first + 1)
