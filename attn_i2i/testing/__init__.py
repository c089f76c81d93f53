"""Contract checks that plugin authors run on their own parts; each raises ContractError in the author's terms."""

from .contract import ContractError as ContractError
from .converters import check_converter as check_converter
from .discriminators import check_discriminator as check_discriminator
from .generators import check_generator as check_generator
from .heads import check_head as check_head
from .measures import check_measure as check_measure
from .plugins import Checked as Checked
from .plugins import check_plugin as check_plugin
from .terms import check_term as check_term
from .training import check_recipe as check_recipe
