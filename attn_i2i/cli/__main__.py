"""``python -m attn_i2i.cli`` is ``attn-i2i``."""

from __future__ import annotations

from .main import main

main()
