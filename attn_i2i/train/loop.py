"""The training loop: data to engine, and everything worth keeping to the run's folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import DataLoader

from ..images.draw import displayed, parse_display
from ..images.ranges import Range
from ..interfaces import Recipe
from ..types import ConfigError, UnreadableFileError
from . import checkpoint
from .clock import TIME, Clock
from .data.folders import TrainingImages
from .data.loading import Batch, Positions, TrainingStream, loader, reading, shown, to_device
from .data.shards import Shards, ShardStream, shard_loader
from .engine import Engine, computes_bf16, make_accelerator
from .errors import within_memory
from .export import Origin, write_model
from .monitor import Averages, DivergedError, Monitor, after_diverging
from .notices import in_words, notify
from .options import TrainOptions
from .preview import Preview
from .randomness import random_states, restore_random, seed_everything, untouched
from .rundir import MODEL, SAMPLES
from .signals import Stop, agreeing, noted_signals
from .sizes import pictures_of
from .watch import Watch

if TYPE_CHECKING:
    from accelerate import Accelerator

PINNED = ("cuda", "xpu")  # GPUs that copy from pinned memory while they compute; Apple's share the CPU's memory
# Pictures of each kind that are drawn and watched: what fits on a sheet.
SHOWN = 4


@dataclass
class TrainingRun:
    """One training: a recipe, its pictures and a folder. ``go`` trains from where the folder's checkpoints end."""

    folder: Path
    recipe: Recipe
    origin: Origin
    pictures: TrainingImages | Shards
    options: TrainOptions
    watch: Watch | None = None

    def go(self) -> None:
        """Train to the last step; a run that has to stop saves first.

        Raises KeyboardInterrupt or SystemExit for a signal, UnreadableFileError for a picture, in every process.
        """
        accelerator = make_accelerator(self.options)
        self.accelerator = accelerator
        with within_memory(self.options, bf16=computes_bf16(self.options, accelerator.device.type)):
            step, stop = self._go(accelerator)
        if accelerator.num_processes > 1:
            torch.distributed.destroy_process_group()
        if step < self.last and not self._ended:
            raise stop.error()

    def _go(self, accelerator: Accelerator) -> tuple[int, Stop]:
        """The last step that is done and saved, and what asked to stop, if anything did."""
        self.averages = Averages(lambda totals: accelerator.reduce(totals, "mean"), self._after_diverging)
        self.engine = Engine(self.recipe, accelerator, self.options)
        self.steps_per_epoch = steps_per_epoch(self.pictures, self.options, accelerator.num_processes)
        self.last = self.options.steps or whole_length(self.recipe, self.steps_per_epoch)
        self.preview = self._preview()
        self.clock = Clock(self.folder / TIME)
        seed_everything(self.options.seed + accelerator.process_index)
        first = self._saved = self._resume()
        self._ended = False
        active = accelerator.is_main_process
        monitor = Monitor(self.folder, first=first, last=self.last, active=active, tensorboard=self.options.tensorboard)
        with monitor, noted_signals() as stop:
            if first:
                self._watched(first, monitor)
            step = self._steps(first, monitor, stop)
            if self._saved < step:
                self._save(step, monitor)
                self._watched(step, monitor)
            elif step == self.last and accelerator.is_main_process:
                self._write_model(step)
            monitor.say(in_words(self._told(first, step)))
        return step, stop

    def _told(self, first: int, step: int) -> str:
        """One line on how it ended."""
        model = self.folder / MODEL
        if self._ended:
            return f"ended after step {step}; the model of that step is {model}"
        if first == self.last:
            return f"{self.folder} has its {first} steps already, its model is {model}: give more (steps=N) to go on"
        if step == self.last:
            return f"model written to {model} after {self.clock}"
        if not step:
            return "interrupted before the first step: nothing to save"
        return f"interrupted after step {step}: saved; start it again with resume=True to go on"

    def _steps(self, first: int, monitor: Monitor, stop: Stop) -> int:
        """Train from step ``first``; returns how many steps are done in the end."""
        options = self.options
        group = agreeing(self.accelerator.num_processes)
        with reading(self._loader(first)) as batches:
            for step in range(first, self.last):
                if self._ended:
                    return step
                of_step = self._read(batches, stop)
                if stop.agreed(group):
                    return step
                if step % self.steps_per_epoch == 0:
                    self.recipe.on_epoch(step // self.steps_per_epoch)
                rate = self.recipe.learning_rate(step, self.steps_per_epoch)
                self.engine.set_learning_rate(rate)
                self._step(of_step)
                done = step + 1
                monitor.advance(done)
                if done % options.log_every == 0 or done == self.last:
                    monitor.report(done, rate, self.averages.read(done))
                if options.sample_every and done % options.sample_every == 0:
                    self._look(done)
                if done % options.save_every == 0 and done < self.last:
                    self._save(done, monitor)
                    self._watched(done, monitor)
        return self.last

    def _read(self, batches: Iterator[Batch], stop: Stop) -> list[Batch]:
        """The micro-batches of one step, before it begins, so that nothing is half done where one cannot be read."""
        try:
            return [next(batches) for _ in range(self.options.accumulation)]
        except UnreadableFileError as error:
            stop.unreadable = error
            return []

    def _step(self, batches: Iterable[Batch]) -> None:
        for batch in batches:
            with pictures_of(self.options.crop_size):
                moved = to_device(batch, self.accelerator.device, self.engine.layout)
                self.averages.add(self.engine.micro_step(moved))

    def _loader(self, first: int) -> DataLoader[Batch]:
        """This process's batches from step ``first`` on."""
        positions = Positions(
            self.options.batch_size,
            first * self.options.accumulation,
            self.last * self.options.accumulation,
            self.accelerator.process_index,
            self.accelerator.num_processes,
        )
        return open_loader(self.pictures, self.options, positions, pin=self.accelerator.device.type in PINNED)

    def _look(self, step: int) -> None:
        if self.accelerator.is_main_process:
            self.preview.show(self.engine.generators, self.folder / SAMPLES / f"step-{step:08d}.png", step)

    def _save(self, step: int, monitor: Monitor) -> None:
        """A checkpoint of finite weights, and the model as it is now."""
        monitor.report(step, self.recipe.learning_rate(step - 1, self.steps_per_epoch), self.averages.read(step))
        for name, tensor in self.recipe.networks.state_dict().items():
            if tensor.is_floating_point() and not tensor.isfinite().all():
                raise DivergedError(
                    f"step {step}: the weights {name} became NaN or infinite: {self._after_diverging()}."
                )
        if self.accelerator.num_processes > 1:
            self.engine.synchronise()
        own = {
            "recipe": self.recipe.state_dict(),
            "random": random_states(),
            "pending": self.engine.pending(),
        }
        shared = {"step": step, **self.engine.state_dict()}
        checkpoint.save(self.folder, step, shared, own, self.accelerator)
        self._saved = step
        if self.accelerator.is_main_process:
            checkpoint.prune(self.folder, self.options.keep, step)
            self.clock.save()
            self._write_model(step)

    def _watched(self, step: int, monitor: Monitor) -> None:
        """Let whoever watches the run look at what was saved; the training's random numbers stay as they are."""
        if self.watch is None:
            return
        ends = [False]
        if self.accelerator.is_main_process:
            with untouched():
                text, ends[0] = self.watch(step, self.folder / MODEL)
            monitor.say(in_words(text))
        if self.accelerator.num_processes > 1:
            torch.distributed.broadcast_object_list(ends, 0)
        self._ended = ends[0]

    def _after_diverging(self) -> str:
        bf16 = computes_bf16(self.options, self.accelerator.device.type)
        return after_diverging(bf16, saved=checkpoint.steps_done(self.folder) > 0)

    def _write_model(self, step: int) -> None:
        write_model(
            self.folder / MODEL,
            self.recipe,
            self.engine.generators,
            self.origin._replace(steps=step),
            self.pictures.domains,
            self._preprocessing(),
        )

    def _preprocessing(self) -> dict[str, Any]:
        """What a model says of its pictures: the size they were trained at, and the range where there is one."""
        size, seen = self.options.crop, self.pictures.reading.range
        told: dict[str, Any] = {"size": size[0] if size[0] == size[1] else list(size)}
        if seen is not None:
            told["range"] = list(seen) if isinstance(seen, Range) else seen
        return told

    def _resume(self) -> int:
        """Continue from the newest checkpoint; returns the number of steps it has behind it."""
        newest = self._agreed_checkpoint()
        if newest is None:
            return 0
        shared, own = checkpoint.load(newest, self.accelerator.process_index)
        step = int(shared["step"])
        self.recipe.on_epoch((step - 1) // self.steps_per_epoch)
        self.engine.load_state_dict(shared)
        if own is not None:
            self.recipe.load_state_dict(own["recipe"])
            self.engine.load_pending(own["pending"])
            restore_random(own["random"])
        return step

    def _agreed_checkpoint(self) -> Path | None:
        """The newest whole checkpoint, which the first process looks for."""
        processes = self.accelerator.num_processes
        newest: list[Path | None] = [None]
        if self.accelerator.is_main_process:
            newest = [checkpoint.newest_whole(self.folder)]
            if newest[0] is not None and (before := checkpoint.written_by(newest[0])) != processes:
                notify([f"{newest[0].name} was saved by {before} processes, this run has {processes}: pools and random"
                        " numbers of the others are lost, or begin anew."])  # fmt: skip
        if processes > 1:
            torch.distributed.broadcast_object_list(newest, 0)
        return newest[0]

    def _preview(self) -> Preview:
        size, device, native = self.options.crop, self.accelerator.device, self.options.load is None
        if isinstance(self.pictures, Shards):
            images, labels = self.pictures.shown(SHOWN, size, native=native), None
        else:
            images, labels = shown(self.pictures, SHOWN, size, native=native)
        floats = to_device(images, device, torch.contiguous_format)
        labels = None if labels is None else labels.to(device)
        display = parse_display(self.options.display)
        displayed(next(iter(floats.values()))[0], display)  # a channel that there is not is said now
        cycle = self.recipe.options.get("opening_cycle") or self.recipe.options.get("objective.cycle")
        return Preview(floats, self.recipe.layout, labels, self.pictures.domains, display, cycle)


def whole_length(recipe: Recipe, steps_per_epoch: int) -> int:
    """The steps of the recipe's whole schedule; ConfigError where it has none."""
    total = recipe.total_steps(steps_per_epoch)
    if total < 1:
        raise ConfigError(f"The recipe's schedule has {total} steps: give the number of steps (steps=NUMBER).")
    return total


def steps_per_epoch(pictures: TrainingImages | Shards, options: TrainOptions, processes: int) -> int:
    """Steps that see as many pictures as an epoch has."""
    batch = options.batch_size * options.accumulation * processes
    return max(1, (options.epoch_size or pictures.count()) // batch)


def open_loader(
    pictures: TrainingImages | Shards, options: TrainOptions, positions: Positions, *, pin: bool
) -> DataLoader[Batch]:
    """The batches of one process."""
    workers = _workers(options)
    if isinstance(pictures, Shards):
        return shard_loader(ShardStream(pictures, options, positions), workers=workers, pin=pin)
    return loader(TrainingStream(pictures, options, workers), positions, workers=workers, pin=pin)


def _workers(options: TrainOptions) -> int:
    """Worker processes: none where pictures are in memory already, else up to eight, leaving a core for the step."""
    if options.workers is not None:
        return options.workers
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return 0 if options.cache else min(8, cores - 1)
