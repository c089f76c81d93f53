"""Converted and trained networks against reference cases: ``python -m tests.parity``."""
