"""Models as folders, the cards that tell of them, and where both lie."""

from .build import create as create
from .build import create_discriminator as create_discriminator
from .card import Card as Card
from .card import Figure as Figure
from .card import Weights as Weights
from .card import read_card as read_card
from .cards import cards as cards
from .cards import find_card as find_card
from .cards import get_card as get_card
from .cards import known_models as known_models
from .cards import list_models as list_models
from .cards import whereabouts as whereabouts
from .config import DiscriminatorConfig as DiscriminatorConfig
from .config import ModelConfig as ModelConfig
from .config import read_config as read_config
from .dataset import DataSet as DataSet
from .dataset import datasets as datasets
from .dataset import get_dataset as get_dataset
from .dataset import read_dataset as read_dataset
from .directory import build_discriminators as build_discriminators
from .directory import build_generator as build_generator
from .directory import save_model as save_model
from .source import Source as Source
