"""The small package that every notebook of the course imports: one room a file, read in an evening.

course: tier, seeds, claims · data, archives, idx, sample: the images · models, structure: every
architecture, and what it is made of · families, ensembles, distillation, weights: many networks
combined, made one, and kept · genomes, fronts, fast: networks evolved; two aims; a quick one ·
files: written whole · training, rates, augmentation: fit, repeat, cross-validate;
learning rates; changed images · evaluation: figures of merit · plots, study_plots, canvas: figures
studies, plan, tables, workers, storages: trained once, stored, read often · handwriting,
pictures, ink, layout, conversion: a picture, or a page, of your own writing as a network wants it
photographs: real ones to try it on · pad, template, page_plots: draw, print a form, see a page read
preflight: is this machine ready?
"""

import contextlib
import importlib.util
import logging
import os
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's notes on processors stay out

warnings.filterwarnings("ignore", message="IProgress not found")  # bars of text will do


@contextlib.contextmanager
def _quiet_stderr():
    """Silence the process's error stream, where TensorFlow writes at import come what may."""
    saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)


if importlib.util.find_spec("keras"):  # preflight must run, and say so, where keras is missing
    with _quiet_stderr():
        import keras  # noqa: F401
    logging.getLogger("tensorflow").setLevel("ERROR")  # its notes on retracing are no errors
