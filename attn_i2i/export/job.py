"""Export of a model: traced, written, compared with the network, and kept only where the answers agree."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Literal

from ..arguments import require_types
from ..files import TargetExistsError, atomic_dir, atomic_path, check_target
from ..files.temporary import temporary_folder
from ..hub import find_model
from ..models.card import UNSTATED, Card
from ..models.checksums import SUMS, ChecksumError, read_sums, write_sums
from ..models.config import ModelConfig, read_config
from ..models.directory import build_generator
from ..types import ConfigError
from .facts import Facts
from .int8 import LEAST_PSNR
from .network import ExportOptions, export_network
from .page import check_shown, web_runtime, write_page
from .write import SUFFIXES, ExportFormat


def export_model(
    name: str | Path,
    output: str | Path,
    *,
    format: ExportFormat | Literal["web"] = "onnx",  # noqa: A002
    direction: str | None = None,
    int8: bool = False,
    calibrate: str | Path | None = None,
    least_psnr: float = LEAST_PSNR,
    size: int | None = None,
    revision: str | None = None,
    accept_license: bool = False,
    fetch: bool | None = None,
    ort: str | Path | None = None,
    force: bool = False,
) -> list[Facts]:
    """Write a model as graphs for other runtimes, one file a direction, and say how far each is from its network.

    ``output`` is a file (.onnx, .pt2) for one direction, or a folder, which gets ``<direction>.onnx`` and so on. A
    graph takes any batch and, unless the network takes one size only, any height and width. ``size`` fixes both sides,
    in pixels, for networks that cannot be exported otherwise. ``int8`` computes in 8 bits, with ranges measured on the
    pictures of the folder ``calibrate``. Such a graph is kept only if the PSNR of its pictures to the network's is at
    least ``least_psnr`` decibels. ``format="web"`` writes ONNX graphs and a page that runs them in a browser. The page
    needs onnxruntime-web, which is fetched once from the npm registry, or taken from ``ort``: a folder or tarball with
    that package. ``name`` and the other options are as for ``load``.

    Raises ModelError where answers differ, ConfigError where an extra is missing or the network cannot be traced.
    """
    require_types(str | None, direction=direction)
    if ort is not None and format != "web":
        raise ConfigError(f'ort={str(ort)!r} was given, which is for format="web": leave it out.')
    graph: ExportFormat = "onnx" if format == "web" else format
    options = ExportOptions(graph, int8, None if calibrate is None else Path(calibrate), least_psnr, size)
    output = Path(output)
    folder = _is_folder(output, format)
    check_target(output, force=force, folder=folder)
    runtime = web_runtime(ort, fetch=fetch) if format == "web" else None
    place, card = find_model(name, revision=revision, accept_license=accept_license, fetch=fetch)
    if folder and place.resolve().is_relative_to(output.resolve()):
        raise TargetExistsError(f"{output} holds the model itself, and would be replaced: choose another name.")
    if folder:
        _check_earlier(output)
    config = described(read_config(place), card)
    if direction is not None and card is not None:
        direction = card.direction(direction)
    directions = config.directions if direction is None else [direction]
    if not folder:
        return [_write_file(place, config, directions, output, options, card, force)]
    with atomic_dir(output, force=force) as into:
        done = [_export(place, config, each, into, options, card, runtime is not None) for each in directions]
        if runtime is not None:
            write_page(into, done, card.name if card else Path(name).name, runtime)
        write_sums(into)
    return done


def _check_earlier(output: Path) -> None:
    """Never replace a folder that holds anything but an earlier export, or the page of one."""
    held = {path.name for path in output.iterdir()} if output.is_dir() else set()
    with suppress(ChecksumError):
        sums = read_sums(output, "")
        if any(Path(name).suffix in SUFFIXES.values() for name in sums):
            held -= {SUMS, *sums}
    if held:
        raise TargetExistsError(
            f"{output} holds {min(held)}, which is no part of an earlier export, so force=True does not replace it:"
            " choose another name."
        )


def _is_folder(output: Path, format: str) -> bool:  # noqa: A002
    """Whether ``output`` is to be a folder; ConfigError where its ending is that of another format's file."""
    ending = {"onnx": ".onnx", "torch-export": ".pt2"}.get(format)  # of the formats that are one file
    if ending is not None and output.suffix == ending:
        return False
    if output.suffix in SUFFIXES.values() and not output.is_dir():
        file = f", or a file of {ending}" if ending else ""
        raise ConfigError(f"{output} was given for format={format!r}: give a folder{file}.")
    return True


def _write_file(
    place: Path,
    config: ModelConfig,
    directions: Sequence[str],
    output: Path,
    options: ExportOptions,
    card: Card | None,
    force: bool,
) -> Facts:
    if len(directions) > 1:
        listed = ", ".join(directions)
        raise ConfigError(f"The model has {len(directions)} directions, {listed}: choose one, or give a folder.")
    with temporary_folder() as work:
        facts = _export(place, config, directions[0], work, options, card)
        with atomic_path(output, force=force) as path:
            shutil.copyfile((work / directions[0]).with_suffix(SUFFIXES[options.format]), path)
    return facts


def _export(
    place: Path,
    config: ModelConfig,
    direction: str,
    into: Path,
    options: ExportOptions,
    card: Card | None,
    page: bool = False,
) -> Facts:
    task = card.directions.get(direction) if card else None
    network = build_generator(place, config, direction)
    return export_network(network, config, direction, into, options, task, check_shown if page else None)


def described(config: ModelConfig, card: Card | None) -> ModelConfig:
    """The configuration with what its card knows of the licence."""
    if card is None or card.licence == UNSTATED or config.licence is not None:
        return config
    return replace(config, licence=card.licence)
