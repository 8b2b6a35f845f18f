"""python -m examples.pro_tools, or takebridge_pro_tools as `takebridge scripts` copies it."""

import sys

from .command import main

sys.exit(main(sys.argv[1:]))
