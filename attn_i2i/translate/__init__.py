"""From a model and pictures to results."""

from .domains import Domain as Domain
from .domains import domain_vector as domain_vector
from .loading import load as load
from .result import Result as Result
from .styles import Style as Style
from .tiles.kinds import Tiling as Tiling
from .tiles.kinds import tiling as tiling
from .translator import CallOptions as CallOptions
from .translator import Translator as Translator
