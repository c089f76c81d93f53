"""Whether a model folder holds what its checksums say, before anything of it is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..models.checksums import ChecksumError, check_beside, check_file, read_sums
from ..models.config import CONFIG, ModelConfig, parse_config, read_config
from ..models.directory import DISCRIMINATORS
from ..types import ModelError


def check_whole(folder: Path, digests: Mapping[str, str] | None, hint: str) -> ModelConfig:
    """Hash every file that loading may read, against ``digests`` or the directory's own sums; its configuration.

    Raises ChecksumError for a file that is missing, differs, or of which nothing says what it should be.
    """
    sums = read_sums(folder, hint) if digests is None else digests
    _check(folder, CONFIG, sums, hint)
    config = parse_config(folder)
    for name in weight_files(config):
        if name != DISCRIMINATORS or (folder / name).exists():  # a card may leave them out
            _check(folder, name, sums, hint)
    return config


def check_folder(folder: Path) -> ModelConfig:
    """Check a model folder that somebody named: its configuration, and its generators where SHA256SUMS stands."""
    config = read_config(folder)
    for direction in config.directions:
        path = folder / f"{direction}.safetensors"
        if not path.is_file():
            raise ModelError(f"{path} is missing: the model folder is incomplete, so get it again.")
        check_beside(path)
    return config


def weight_files(config: ModelConfig) -> list[str]:
    """Names of the weights files of a model."""
    names = [f"{direction}.safetensors" for direction in config.directions]
    return names if config.discriminators is None else [*names, DISCRIMINATORS]


def _check(folder: Path, name: str, sums: Mapping[str, str], hint: str) -> None:
    if name not in sums:
        raise ChecksumError(f"Nothing says what {folder / name} must hash to, so it is not loaded: {hint}.")
    if not (folder / name).is_file():
        raise ChecksumError(f"{folder / name} is missing: {hint}.")
    check_file(folder / name, sums[name], hint)
