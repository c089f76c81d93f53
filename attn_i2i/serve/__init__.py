"""The page of models in a browser. What it may take is in ``limits``, what it does in ``desk``, the web in ``app``."""

from .limits import Limits as Limits
from .run import serve as serve
