"""Training: a recipe, folders of pictures and a folder for the run become a model."""

from .api import plan as plan
from .api import train as train
from .datacheck import Findings as Findings
from .datacheck import check as check
from .engine import Engine as Engine
from .estimate import Plan as Plan
from .folders import Pictures as Pictures
from .folders import attribute_table as attribute_table
from .folders import domain_folders as domain_folders
from .folders import two_domains as two_domains
from .monitor import DivergedError as DivergedError
from .options import TrainOptions as TrainOptions
from .preview import TrainingWarning as TrainingWarning
