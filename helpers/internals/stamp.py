"""What a notebook ran on, for its metadata; `make outputs` calls this in the notebook's kernel."""

import platform
from importlib.metadata import version

from helpers import course, preflight
from helpers.internals.backend import keras


def ran_on() -> dict[str, object]:
    """Tier, data, number of images, versions, machine.

    Returns:
        A dictionary that json can write. "images" counts the training images of each data set.
    """
    loaded = course.loaded.values()
    packages = ["keras", keras.backend.backend(), "numpy", "matplotlib", "scikit-learn"]
    return {
        "tier": course.tier(),
        "data": [dataset.describe() for dataset in loaded],
        "images": {dataset.name: len(dataset.train) for dataset in loaded},
        "sample": any(dataset.sample for dataset in loaded),
        "versions": {name: version(name) for name in packages},
        "python": platform.python_version(),
        "machine": preflight.machine(),
        "backend": keras.backend.backend(),
    }
