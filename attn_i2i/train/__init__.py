"""Training: a recipe, folders of pictures and a folder for the run become a model."""

from .api import plan as plan
from .api import resume as resume
from .api import train as train
from .data.check import Findings as Findings
from .data.check import check as check
from .data.folders import TrainingImages as TrainingImages
from .data.folders import domain_folders as domain_folders
from .data.folders import two_domains as two_domains
from .data.table import attribute_table as attribute_table
from .engine import Engine as Engine
from .errors import OutOfMemoryError as OutOfMemoryError
from .estimate import Plan as Plan
from .monitor import DivergedError as DivergedError
from .notices import TrainingWarning as TrainingWarning
from .options import TrainOptions as TrainOptions
from .watch import Watch as Watch
from .watch import Word as Word
