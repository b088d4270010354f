"""Measure what a fast training costs: writes studies/fast/costs.csv. No make target runs it.

    python notebooks/commands/measure_fast.py          measures everything, about six minutes
    python notebooks/commands/measure_fast.py --try    measures little, prints it, writes nothing

Nothing else should run on the computer meanwhile. The images are the training images of MNIST.
"""

import os
import sys

if "--one-thread" in sys.argv:  # before TensorFlow starts
    os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}

import argparse
import json
import subprocess
import time
from functools import partial
from pathlib import Path

from helpers import data, models, preflight
from helpers.internals import files, fitting
from helpers.recipes import fast

import keras
import numpy as np
import pandas as pd
from keras import layers

sys.path.insert(0, str(Path(__file__).parents[1]))
from plans import notebook_23
from plans.common import NOTEBOOKS

COSTS = NOTEBOOKS / "studies" / "fast" / "costs.csv"
FIRST = fitting.STEPS_PER_EXECUTION  # steps of the first call, in which everything is compiled
IMAGES = 60_000
BUILDS = 3
"""Times that a network is compiled anew; the least counts, as everywhere here."""
LAYERS = ("inner", "conv_1", "pool_1", "conv_1_activation", "conv_2", "conv_2_activation")


def trick(name):
    """The network and the options of the study of tricks, without its rates, which cost nothing."""
    network, options = notebook_23.TRICKS[name]
    model, start = notebook_23.quick_network("mnist", **network)
    model = start["start"](model) if start else model
    return model, fast.recipe() | options


def until(layer):
    """The fast network cut off behind a layer; the means of its maps are classified."""
    network = fast.fast_cnn()
    x = layers.GlobalAveragePooling2D(name="mean")(network.get_layer(layer).output)
    return models.classifier(network.inputs[0], x, 10, f"until_{layer}"), fast.recipe()


def in_type(policy):
    """The fast network computed in another type of number."""
    keras.config.set_dtype_policy(policy)
    model = fast.fast_cnn()
    keras.config.set_dtype_policy("float32")
    return model, fast.recipe()


def whole():
    """The fast network and its recipe as they are."""
    return fast.fast_cnn(), fast.recipe()


VARIANTS = {
    **{("trick", name): partial(trick, name) for name in notebook_23.TRICKS},
    **{("until", layer): partial(until, layer) for layer in LAYERS},
    ("until", "all"): whole,
    ("type", "bfloat16"): partial(in_type, "mixed_bfloat16"),
    ("input", "float32"): whole,
}
"""(kind, name) → function without arguments that returns a network and its options."""


class Runner:
    """A network that is compiled once and then trains again and again, so many images at a time."""

    def __init__(self, build, pixels, labels):
        keras.utils.set_random_seed(1)
        self.model, options = build()
        self.batch, self.pixels, self.labels = options["batch_size"], pixels, labels
        loss, optimizer = options["loss"], options["optimizer"]
        firsts = []
        for _ in range(BUILDS):
            fitting.compile_model(self.model, optimizer, 1e-4, loss)
            firsts.append(self.seconds(FIRST * self.batch))
        self.first = min(firsts)

    def seconds(self, images):
        """Wall time of training on the first so many images."""
        began = time.perf_counter()
        pixels, labels = self.pixels[:images], self.labels[:images]
        self.model.fit(pixels, labels, batch_size=self.batch, verbose=0)
        return time.perf_counter() - began


def measure(variants, rounds, images):
    """Lines of the table: all variants in turns, the least of the rounds.

    The least is the time without what else the computer does; the median says how much that was.
    begin: seconds that the first steps take longer than later ones. epoch, median: seconds for
    60,000 images.
    """
    split = data.load("mnist").train
    floats, bytes_ = split.images[:images].astype("float32"), np.array(split.images[:images])
    labels = np.array(split.labels[:images])
    runners = {}
    for key, build in variants.items():
        pixels = floats if key == ("input", "float32") else bytes_
        runners[key] = Runner(build, pixels, labels)
        print(*key, f"{runners[key].first:.2f} s for the first steps", flush=True)
    found = {key: [] for key in variants}
    for _ in range(rounds):
        for key, runner in runners.items():
            found[key].append(runner.seconds(images))
    lines = []
    for (kind, name), times in found.items():
        runner = runners[kind, name]
        begin = runner.first - min(times) * FIRST * runner.batch / images
        epoch, median = (IMAGES / images * t for t in (min(times), float(np.median(times))))
        line = {"kind": kind, "name": name, "begin": begin, "epoch": epoch, "median": median}
        lines.append(line | {"rounds": rounds})
    return lines


def least(work, repeats=10):
    """Seconds of the fastest of some repeats."""
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def limits(size=2048, numbers=16_000_000):
    """Operations a second in a product of matrices, and bytes a second in a copy; billions."""
    a, b = np.random.default_rng(0).random((2, size, size), dtype=np.float32)
    full, empty = np.ones((2, numbers), np.float32)
    arithmetic = 2 * size**3 / least(lambda: a @ b)
    memory = 2 * full.nbytes / least(lambda: np.copyto(empty, full))
    return {"gigaflops": arithmetic / 1e9, "gigabytes": memory / 1e9}


def one_thread(little):
    """The line of the fast network on one thread, measured in a process of its own."""
    command = [sys.executable, __file__, "--one-thread", *(["--try"] if little else [])]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    return pd.DataFrame(json.loads(done.stdout.splitlines()[-1]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--try", action="store_true", dest="little", help="little, kept nowhere")
    parser.add_argument("--one-thread", action="store_true", help="only that line, as JSON")
    chosen = parser.parse_args()
    rounds, images = (1, 4_096) if chosen.little else (15, 6_400)
    if chosen.one_thread:
        lines = measure({("threads", "1"): whole}, rounds, images)
        print(json.dumps(lines))
        return
    table = pd.concat([pd.DataFrame(measure(VARIANTS, rounds, images)), one_thread(chosen.little)])
    table = table.assign(**limits(), machine=preflight.machine())
    print(table.round(2).to_string(index=False))
    if not chosen.little:
        with files.whole(COSTS) as part:
            table.round(3).to_csv(part, index=False)


if __name__ == "__main__":
    main()
