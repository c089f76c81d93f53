"""Networks that see for the measures: found by name or path, and their features remembered."""

from .cache import cached_features as cached_features
from .extractor import Extractor as Extractor
from .extractor import find_extractor as find_extractor
from .perceptual import Perceptual as Perceptual
from .perceptual import perceptual as perceptual
from .weights import feature_store as feature_store
