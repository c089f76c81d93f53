"""The quickest way of each convolution on this machine, measured once and remembered."""

from .heap import keep_freed_memory as keep_freed_memory
from .store import TuningWarning as TuningWarning
from .tuner import Tuned as Tuned
from .tuner import Tuner as Tuner
from .tuner import this_tuner as this_tuner
from .tuner import tune as tune
from .work import Work as Work
