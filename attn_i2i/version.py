"""The version, for those that may import nothing else."""

__version__ = "0.1.0"
