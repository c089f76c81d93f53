"""Parts that are registered for as long as a test runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from attn_i2i.plugins import zoo


@contextmanager
def registering(**parts: Mapping[str, Callable[..., Any]]) -> Iterator[None]:
    """Parts by kind (``generators={"name": factory}``), as a plugin of this session adds them."""
    with zoo().supplied_by("a test's own"):
        for kind, named in parts.items():
            for name, part in named.items():
                getattr(zoo(), kind).add(name, part)
    try:
        yield
    finally:
        zoo().forget("a test's own")
