"""What an exported file says of itself: everything that a Translator needs beside the graph."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from ..files import METADATA_KEY as METADATA_KEY
from ..files import SMALL_BYTES
from ..interfaces import channels_of, only_size
from ..models.config import ModelConfig, checked_config, is_plain
from ..types import AttnI2IError, ModelError, Translation
from ..version import __version__

LARGEST_SIDE = 2**20  # pixels, channels or anything else that is counted here; pictures end far below
FORMAT = 1  # of the facts beside a graph; others are refused
SOURCE, DOMAIN = "source", "domain"
PICTURES = {
    "source": "(batch, channels, height, width) of float32 in [-1, 1]; three channels are red, green, blue",
    "domain": "(batch, domains) of float32: the target label, 1 where a label is wanted, else 0",
    "image": "as source; it may leave [-1, 1] a little where the network does not bound it",
    "attention": "(batch, masks, height, width) in [0, 1]; one for each of the contents, a further one is the source's",
    "contents": "(batch, masks, channels, height, width) in [-1, 1]",
    "cam_logits": "(batch, 2)",
    "heatmap": "(batch, 1, h, w), unbounded, at the resolution of the features",
}
"""What each input and output of a graph is, for whoever runs it elsewhere."""


@dataclass(frozen=True)
class Facts:
    """One direction of a model as a graph. ``outputs`` are fields of a Translation, in the graph's order.

    ``image_size`` is (height, width) where the graph takes one size only; ``margin`` are the pixels that the image is
    smaller at each side. ``compared`` says how far the graph was from the network when it was written. ``mean_style``
    says that the network draws in many styles, and the graph in their mean alone.
    """

    direction: str
    config: ModelConfig
    outputs: tuple[str, ...]
    channels: tuple[int, int] = (3, 3)
    domains: int = 0
    image_size: tuple[int, int] | None = None
    margin: int = 0
    precision: str = "float32"
    opset: int | None = None
    compared: dict[str, Any] | None = None
    task: str | None = None
    mean_style: bool = False

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the graph's inputs."""
        return (SOURCE, DOMAIN) if self.domains else (SOURCE,)

    def to_json(self) -> str:
        """Canonical JSON, with what a reader of another program needs."""
        raw = asdict(self)
        raw["config"] = json.loads(self.config.to_json())
        raw |= {
            "format": FORMAT,
            "attn_i2i": __version__,
            "licence": self.config.licence,
            "stored_range": self.config.preprocessing.get("range", "dtype"),
            "pictures": {name: PICTURES[name] for name in (*self.inputs, *self.outputs)},
        }
        return json.dumps(raw, sort_keys=True)


def facts_of(
    network: nn.Module, config: ModelConfig, direction: str, outputs: tuple[str, ...], side: int | None
) -> Facts:
    """What ``network`` advertises; ``side`` fixes the size of one that takes any."""
    return Facts(
        direction,
        replace(config, directions=[direction], discriminators=None, own={}, config=config.options(direction)),
        outputs,
        channels_of(network),
        int(getattr(network, "domains", 0) or 0),
        only_size(network) if side is None else (side, side),
        int(getattr(network, "margin", 0)),
        mean_style=getattr(network, "style_dim", None) is not None,
    )


def read_facts(text: str | None, path: str | Path) -> Facts:
    """The facts that a file carries; ModelError in one line where they are missing or cannot be."""
    if not text:
        raise ModelError(
            f"{path} was not exported by attn-i2i: it does not say what its inputs and outputs mean. Export the model"
            " again with attn-i2i export."
        )
    try:
        if len(text) > SMALL_BYTES:
            raise ValueError(f"it has {len(text)} characters, more than {SMALL_BYTES}")
        raw = json.loads(text)
        if raw["format"] != FORMAT:
            raise ModelError(f"{path} has export format {raw['format']!r}, this version reads format {FORMAT}.")
        config = checked_config(raw["config"], path)
        size = raw["image_size"]
        facts = Facts(
            _text(raw["direction"]),
            config,
            tuple(map(_text, raw["outputs"])),
            (_whole(raw["channels"][0]), _whole(raw["channels"][1])),
            _whole(raw["domains"]),
            None if size is None else (_whole(size[0]), _whole(size[1])),
            _whole(raw["margin"]),
            _text(raw["precision"]),
            None if raw["opset"] is None else _whole(raw["opset"]),
            None if raw["compared"] is None else dict(raw["compared"]),
            None if raw["task"] is None else _text(raw["task"]),
            raw.get("mean_style", False) is True,
        )
    except AttnI2IError:
        raise
    except (ValueError, KeyError, TypeError, IndexError, RecursionError, OverflowError) as error:
        raise ModelError(f"{path}: what it says of itself cannot be read: {type(error).__name__}: {error}.") from error
    if wrong := _impossible(facts):
        raise ModelError(f"{path}: what it says of itself cannot be: {wrong}. Export the model again.")
    return facts


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.80} is no text")
    return value


def _whole(value: object) -> int:
    """A number that sizes can be; larger ones than any picture has would fail within PyTorch."""
    if type(value) is not int or abs(value) > LARGEST_SIDE:
        raise TypeError(f"{value!r:.80} is no whole number up to {LARGEST_SIDE}")
    return value


def _impossible(facts: Facts) -> str | None:
    """What no export of this library says of a graph."""
    names = facts.config.domains or ()
    wrong = {
        f"the direction {facts.direction!r:.80}": not is_plain(facts.direction),
        f"the direction {facts.direction} of a model of {facts.config.directions!r:.80}": facts.config.directions
        != [facts.direction],
        f"outputs {list(facts.outputs)!r:.80}": facts.outputs
        != tuple(name for name in Translation._fields if name == "image" or name in facts.outputs),
        f"channels {facts.channels}": min(facts.channels) < 1,
        f"{facts.domains} labels with {len(names)} names": facts.domains < 0 or len(names) not in (0, facts.domains),
        f"image_size {facts.image_size}": min(facts.image_size or (1,)) < 1,
        f"margin {facts.margin}": facts.margin < 0,
        f"precision {facts.precision!r:.80}": facts.precision not in ("float32", "int8"),
    }
    return next((text for text, is_wrong in wrong.items() if is_wrong), None)
