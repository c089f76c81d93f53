"""Files and folders: those that appear whole or not at all, what swaps them in, and temporary ones."""

from .whole import METADATA_KEY as METADATA_KEY
from .whole import SMALL_BYTES as SMALL_BYTES
from .whole import DiskFullError as DiskFullError
from .whole import TargetExistsError as TargetExistsError
from .whole import WriteError as WriteError
from .whole import append_text as append_text
from .whole import atomic_dir as atomic_dir
from .whole import atomic_path as atomic_path
from .whole import check_target as check_target
from .whole import fitting_name as fitting_name
from .whole import open_regular as open_regular
from .whole import read_small as read_small
from .whole import save_safetensors as save_safetensors
from .whole import sha256 as sha256
