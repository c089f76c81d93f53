"""Models by name: found, fetched, checked and published."""

from .errors import HubError as HubError
from .errors import LicenceError as LicenceError
from .find import find_model as find_model
