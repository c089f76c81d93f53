"""What training recipes are made of; each family's own recipe is a plugin in ``attn_i2i.builtin``."""

from .augment import shifted as shifted
from .cycle import CycleOptions as CycleOptions
from .cycle import CycleRecipe as CycleRecipe
from .discriminators import DomainDiscriminators as DomainDiscriminators
from .multidomain import DomainOptions as DomainOptions
from .multidomain import MultiDomainRecipe as MultiDomainRecipe
from .networks import Layout as Layout
from .networks import adam as adam
from .networks import discriminate_together as discriminate_together
from .networks import frozen as frozen
from .networks import initialise as initialise
from .networks import mixes_samples as mixes_samples
from .networks import pairwise_adam as pairwise_adam
from .networks import pairwise_layout as pairwise_layout
from .networks import pairwise_networks as pairwise_networks
from .networks import split as split
from .networks import sum_of as sum_of
from .networks import translate_together as translate_together
from .networks import uncompiled as uncompiled
from .presets import Presets as Presets
from .presets import flattened as flattened
from .presets import resolve as resolve
from .schedule import EpochSchedule as EpochSchedule
from .schedule import StepSchedule as StepSchedule
from .schedule import by_epoch as by_epoch
from .schedule import by_step as by_step
