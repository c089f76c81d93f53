"""Runs reference cases: ``python -m tests.parity FOLDER...``."""

from __future__ import annotations

import sys

from .cases import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
