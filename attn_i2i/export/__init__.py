"""Models for other runtimes: ONNX, OpenVINO, PyTorch's exported programs, and generators that run them."""

from .compare import compare as compare
from .facts import Facts as Facts
from .job import export_model as export_model
from .network import ExportOptions as ExportOptions
from .network import export_network as export_network
from .runtimes import RuntimeGenerator as RuntimeGenerator
