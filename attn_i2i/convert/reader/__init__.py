"""Foreign checkpoints read inertly: parsed in a child process, never executed."""

from .read import read_checkpoint as read_checkpoint
from .sources import checkpoint_files as checkpoint_files
