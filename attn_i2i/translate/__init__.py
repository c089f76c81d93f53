"""From a model and pictures to results."""

from .loading import load as load
from .options import Domain as Domain
from .options import domain_vector as domain_vector
from .result import Result as Result
from .translator import CallOptions as CallOptions
from .translator import Translator as Translator
