"""The package that the course's notebooks import.

Its front door, six files, an evening's read: course (tier, seeds, claims, showing a source) ·
data (load, Dataset, Split) · models (every architecture) · training (fit, repeat,
cross_validate) · evaluation (what a network's probabilities say) · statistics (intervals,
comparisons, verdicts). Behind it, to be opened when a notebook sends you there: plots, archives,
recipes, studies, handwriting, preflight, and internals, on which the front door leans.
"""

import os
import sys
import warnings

# Importing this package alone loads no Keras, so that preflight runs, and says so, where Keras
# is broken. A room that needs Keras says `from helpers.internals.backend import keras`.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's notes on processors stay out
if not os.environ.get("KERAS_BACKEND"):
    os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever an old keras.json says

warnings.filterwarnings("ignore", message="IProgress not found")  # bars of text will do


def _show_figures_inline() -> None:
    """Make a Jupyter kernel show figures, even where MPLBACKEND names a backend that cannot."""
    inline = "module://matplotlib_inline.backend_inline"
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if not hasattr(shell, "kernel") or os.environ.get("MPLBACKEND") == inline:
        return  # no notebook, or a kernel that shows figures already
    os.environ["MPLBACKEND"] = inline  # matplotlib reads it when it is imported
    if "matplotlib" in sys.modules:
        shell.enable_matplotlib("inline")


_show_figures_inline()
