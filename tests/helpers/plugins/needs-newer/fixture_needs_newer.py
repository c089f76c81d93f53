"""A plugin for a later attn-i2i; importing it with this one would fail."""

raise AssertionError("imported although its requirement is not met")
