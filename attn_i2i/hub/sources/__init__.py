"""The authors' files of a model, wherever they are: located, downloaded, verified, unpacked, converted."""

from .errors import FetchError as FetchError
from .errors import FirstUseWarning as FirstUseWarning
from .fetch import fetch_model as fetch_model
