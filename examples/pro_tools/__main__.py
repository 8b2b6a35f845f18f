"""python -m examples.pro_tools"""

import sys

from examples.pro_tools.command import main

sys.exit(main(sys.argv[1:]))
