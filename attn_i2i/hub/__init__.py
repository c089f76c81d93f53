"""Models by name: found, fetched, checked and published."""

from .checksums import check_sums as check_sums
from .checksums import read_sums as read_sums
from .checksums import write_sums as write_sums
from .errors import ChecksumError as ChecksumError
from .errors import HubError as HubError
from .errors import LicenceError as LicenceError
from .find import find_model as find_model
