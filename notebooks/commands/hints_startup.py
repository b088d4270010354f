"""IPython runs this at a kernel's start, where PYTHONSTARTUP names it. It leaves no name behind."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import hints

hints.install(get_ipython())  # noqa: F821  IPython's own
del sys.path[0], hints, os, sys
