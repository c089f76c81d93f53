"""Videos and animations: frames in and out one by one, with their times, sounds and transparency."""

from .clip import Clip as Clip
from .clip import ClipInfo as ClipInfo
from .clip import Colours as Colours
from .clip import Frame as Frame
from .encoding import Encoding as Encoding
from .flow import Motion as Motion
from .flow import optical_flow as optical_flow
from .formats import is_clip as is_clip
from .reading import open_clip as open_clip
from .writing import ClipWriter as ClipWriter
from .writing import write_clip as write_clip
