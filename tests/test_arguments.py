"""Arguments of a wrong type are one clear line, whatever public function they are given to."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import attn_i2i
from attn_i2i import convert, evaluate, hub, images, models, recipes, train
from attn_i2i.arguments import typed
from attn_i2i.types import ConfigError, ModelError

from .helpers.commands import Run, picture


@typed
def example(
    path: str | Path,
    names: Sequence[str] = (),
    *,
    count: int | None = None,
    share: float = 1.0,
    table: Mapping[str, Any] | None = None,
    switch: bool = False,
) -> int:
    return 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"path": 3}, "path=3 was given: expected a text or a path"),
        ({"names": "abc"}, "names='abc' was given: expected a list"),
        ({"count": 1.5}, "count=1.5 was given: expected a whole number or None"),
        ({"share": "1"}, "share='1' was given: expected a number"),
        ({"table": [1]}, r"table=\[1\] was given: expected a dictionary or None"),
        ({"switch": 1}, "switch=1 was given: expected True or False"),
    ],
)
def test_a_wrong_type_is_named(arguments: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        example(**{"path": "x", **arguments})


def test_what_stands_for_a_type_is_taken() -> None:
    assert example(Path("x"), ["a"], count=np.int64(3), share=np.float32(1), table={}, switch=True)
    with pytest.raises(TypeError, match="missing"):
        example()  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (models.save_model, (7, None, {})),
        (models.save_model, ("model", None, {})),
        (models.read_config, (None,)),
        (models.build_generator, ("model", {}, "A2B")),
        (models.create, (3,)),
        (models.get_card, (["a"],)),
        (models.list_models, (b"x",)),
        (convert.convert, (None, "out")),
        (convert.join, ("model", 7)),
        (convert.read_checkpoint, (7,)),
        (evaluate.evaluate, ("model", "data")),
        (evaluate.find_data, (7,)),
        (hub.publish, ("model", None)),
        (images.read_image, ("a.png",)),
        (images.write_picture, (None, "a.png")),
        (images.measure_range, (7, "min,max")),
        (recipes.make_recipe, (7,)),
        (train.two_domains, (None,)),
        (train.resume, (7,)),
        (attn_i2i.load, (7,)),
    ],
)
def test_public_functions_name_a_wrong_type(function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    options = {"max_pixels": "many"} if function is images.read_image else {}
    with pytest.raises(ConfigError, match="was given: expected") as caught:
        function(*arguments, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["config.json", "A2B.safetensors", "a.png"])
def test_a_file_that_may_not_be_read_is_one_line(
    run: Run, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    picture(tmp_path / "a.png")

    def refusing(function: Callable[..., Any]) -> Callable[..., Any]:
        def opened(path: Any, *args: Any, **kwargs: Any) -> Any:
            if not isinstance(path, int) and os.fspath(path).endswith(name):
                raise PermissionError(errno.EACCES, "Permission denied", os.fspath(path))
            return function(path, *args, **kwargs)

        return opened

    for place, attribute in ((os, "open"), (Path, "open")):
        monkeypatch.setattr(place, attribute, refusing(getattr(place, attribute)))
    if name != "a.png":
        with pytest.raises(ModelError, match=f"{name} cannot be read.*Permission denied"):
            attn_i2i.load(model)("a.png")
    code, _, err = run("translate", tmp_path / "a.png", "-o", tmp_path / "out", "-m", model)
    assert (code, re.search(f"{name} cannot be read.*Permission denied", err) is not None) == (1, True)
    assert "Traceback" not in err
