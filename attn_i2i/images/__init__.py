"""Pictures in, out and drawn: files become tensors, tensors files and sheets."""

from .draw import Tile as Tile
from .draw import colorize as colorize
from .draw import contact_sheet as contact_sheet
from .draw import heat_over as heat_over
from .formats import READABLE as READABLE
from .formats import SUFFIXES as SUFFIXES
from .mask import read_mask as read_mask
from .opening import MAX_PIXELS as MAX_PIXELS
from .picture import Metadata as Metadata
from .picture import Picture as Picture
from .picture import PictureWarning as PictureWarning
from .picture import Stored as Stored
from .picture import TiffLayout as TiffLayout
from .ranges import Range as Range
from .ranges import RangeLike as RangeLike
from .read import ImageSource as ImageSource
from .read import read_image as read_image
from .save import write_picture as write_picture
from .series import measure_range as measure_range
from .values import unit_range as unit_range
from .write import WRITERS as WRITERS
from .write import output_name as output_name
from .write import to_pil as to_pil
from .write import write_image as write_image
from .write import writer_of as writer_of
