"""Models by name: found, fetched, checked and published."""

from .errors import HubError as HubError
from .errors import LicenceError as LicenceError
from .locate import FoundModel as FoundModel
from .locate import find_model as find_model
from .publish import Published as Published
from .publish import publish as publish
