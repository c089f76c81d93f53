"""A plugin that ends the process while it is imported, or would."""

import sys

sys.exit("goodbye")
