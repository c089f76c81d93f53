"""Published checkpoints to models: read safely, recognised by keys and shapes, renamed by rules, verified."""

from .converter import Converter as Converter
from .converter import Rules as Rules
from .converter import Scope as Scope
from .converter import count as count
from .converter import has as has
from .detect import find_networks as find_networks
from .job import Conversion as Conversion
from .job import convert as convert
from .join import join as join
from .reader.read import checkpoint_files as checkpoint_files
from .reader.read import read_checkpoint as read_checkpoint
from .verify import Check as Check
from .verify import Networks as Networks
from .verify import compare as compare
