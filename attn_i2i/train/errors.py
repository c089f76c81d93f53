"""What Python and torch raise in a training, as errors of this library that say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..devices import is_shortage
from ..types import AttnI2IError, UnreadableFileError
from .options import TrainOptions


class OutOfMemoryError(AttnI2IError, MemoryError):
    """A training that needs more memory than there is."""


@contextmanager
def plainly() -> Iterator[None]:
    """Turn what the system says of a file (it may not be read, or written) into one line that names it."""
    try:
        yield
    except AttnI2IError:
        raise
    except OSError as error:
        what = error.filename if error.filename is not None else "A file of this training"
        raise UnreadableFileError(
            f"{what} cannot be used ({error.strerror or error}): see to it that it can be read, and written where it is"
            " part of the run."
        ) from error


@contextmanager
def within_memory(options: TrainOptions, bf16: bool) -> Iterator[None]:
    """Turn the allocator's text into an OutOfMemoryError that says what takes less of it."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if isinstance(error, AttnI2IError) or not is_shortage(error):
            raise
        raise OutOfMemoryError(
            f"The memory is not enough for a step ({_first_line(error)}). {_advice(options, bf16)}"
        ) from error


def _advice(options: TrainOptions, bf16: bool) -> str:
    """What takes less memory and is not done yet: first what leaves the run the same, then what begins another."""
    same = [] if options.checkpointing else ["checkpointing=True"]
    same += [] if bf16 else ['precision="bf16"']
    other = []
    if options.batch_size > 1:
        other.append(f"batch_size=1 and accumulation={options.accumulation * options.batch_size}")
    other += [f"a smaller crop_size than {options.crop_size}", 'narrower networks (recipe_options={"width": ...})']
    other += [] if not options.ema else ["ema=0"]
    other += [] if not options.cache else ["cache=False"]
    first = f"Continue with resume=True and {' or '.join(same)}, or begin" if same else "Begin"
    estimate = "attn_i2i.train.plan (attn-i2i train --dry-run) estimates what each needs."
    return f"{first} another run with {', or '.join(other)}; {estimate}"


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0][:200].rstrip(".") or type(error).__name__
