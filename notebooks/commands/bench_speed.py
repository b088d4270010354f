"""What "make bench" measures of speed: training to an accuracy, predictions, pages, the course.

As in bench_tasks, a function runs in a process of its own and returns a number. The peer of
training is Keras's best known example: 32C3–MP2–64C3–MP2–F–D.5–FC10, Adam, batches of 128.
"""

import importlib
import os
import subprocess
import sys
import time

import numpy as np
from bench_tasks import ROOT, run, seconds

MOST_EPOCHS = 30
REPEATS = 50


def median_seconds(action, repeats=REPEATS):
    """The median over so many repeats, after two that don't count."""
    return float(np.median([seconds(action) for _ in range(repeats + 2)][2:]))


# --- training to 99.0 % of MNIST's test images ------------------------------------------------


def ours_mnist_99():
    """Seconds of notebook 23's recipe, fixed beforehand, with its first filters; to reach: 99 %.

    The seed is the turn of the measurement. Each test image is read five times, after the clock.
    """
    from helpers import data, training
    from helpers.recipes import augmentation, fast

    import keras

    keras.utils.set_random_seed(int(os.environ["BENCH_TURN"]))
    mnist, model = data.load("mnist"), fast.fast_cnn()

    def train():
        fast.begin(model, mnist.train.images)
        training.fit(model, mnist.train, verbose=False, **fast.recipe())

    passed = seconds(train)
    reader = augmentation.shift_averaged(model)
    found = reader.predict(mnist.test.images, batch_size=1024, verbose=0).argmax(axis=1)
    accuracy = float((found == mnist.test.labels).mean())
    if accuracy < 0.99:
        sys.exit(f"expected 99.0 % of the test images, found {100 * accuracy:.2f} %")
    return passed


def peer_mnist_99():
    """Seconds that Keras's example trains until an epoch ends with 99 % of the test images.

    It is looked at after every epoch, which ours is not; the looking isn't counted.
    """
    from helpers import data

    import keras

    keras.utils.set_random_seed(int(os.environ["BENCH_TURN"]))
    mnist = data.load("mnist")
    train, test = ((_floats(split.images), split.labels) for split in (mnist.train, mnist.test))
    model = example()
    looking, reached = [], []

    class Look(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            began = time.perf_counter()
            found = self.model.predict(test[0], batch_size=1024, verbose=0).argmax(axis=1)
            reached.append((found == test[1]).mean())
            self.model.stop_training = reached[-1] >= 0.99
            looking.append(time.perf_counter() - began)

    options = {"batch_size": 128, "epochs": MOST_EPOCHS, "callbacks": [Look()], "verbose": 0}
    passed = seconds(lambda: model.fit(*train, **options))
    if reached[-1] < 0.99:
        sys.exit(f"expected 99.0 % of the test images, found {reached}")
    return passed - sum(looking)


def example():
    """Keras's example network for MNIST, compiled as there."""
    import helpers  # noqa: F401  the same settings of TensorFlow

    import keras
    from keras import layers

    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def _floats(images):
    """Images as most prepare them before training: numbers in 0 … 1, with a channel axis."""
    return np.asarray(images)[..., None].astype("float32") / 255


# --- using a network --------------------------------------------------------------------------


def ours_predict_image():
    """Milliseconds to read one image with the course's fast network, five times as in the race."""
    from helpers.recipes import augmentation, fast

    model, image = augmentation.shift_averaged(fast.fast_cnn()), _noise(1)
    return 1000 * median_seconds(lambda: model.predict(image, verbose=0))


def peer_predict_image():
    """Milliseconds of the same with Keras's example."""
    model, image = example(), _noise(1)
    return 1000 * median_seconds(lambda: model.predict(_floats(image), verbose=0))


def ours_predict_batch():
    """Milliseconds an image, 10,000 at once."""
    from helpers.recipes import augmentation, fast

    model, images = augmentation.shift_averaged(fast.fast_cnn()), _noise(10_000)
    return 0.1 * median_seconds(lambda: model.predict(images, batch_size=1024, verbose=0), 5)


def peer_predict_batch():
    """Milliseconds of the same with Keras's example and its usual batches of 32."""
    model, images = example(), _noise(10_000)
    return 0.1 * median_seconds(lambda: model.predict(_floats(images), verbose=0), 5)


def _noise(count):
    return np.random.default_rng(0).integers(0, 256, (count, 28, 28), dtype=np.uint8)


def ours_prepare():
    """Milliseconds to prepare a photographed character of 300 × 225 pixels."""
    from helpers import handwriting

    picture = _picture()
    return 1000 * median_seconds(lambda: handwriting.prepare(picture))


def ours_read_picture():
    """Milliseconds to read it with the course's network for 62 classes."""
    from helpers import data, handwriting

    import keras

    picture, classes = _picture(), data.CLASSES["emnist/byclass"]
    model = keras.saving.load_model(ROOT / "notebooks/networks/byclass.keras")
    return 1000 * median_seconds(lambda: handwriting.read(picture, model, classes))


def _picture():
    """One character as a telephone sees it: uneven light and noise, 300 × 225."""
    import written

    ink, _ = written.page(["R"], size=120, sheet=(300, 225), start=(100, 170))
    return written.photograph(ink, shadow=0.2, noise=0.02)


def ours_read_page():
    """Seconds to read a photographed page of 210 characters."""
    from helpers import data, handwriting

    page, model = _page()
    return median_seconds(
        lambda: handwriting.read_page(page, model, data.CLASSES["emnist/byclass"]), 5
    )


def peer_read_page():
    """Seconds to read its characters, already found, one after the other, as the reports did."""
    from helpers import data, handwriting

    page, model = _page()
    boxes = handwriting.read_page(page, model, data.CLASSES["emnist/byclass"])[1]

    def read():
        for left, top, right, bottom in boxes.round().astype(int):
            cut = page.crop((left - 4, top - 4, right + 4, bottom + 4))
            model.predict(handwriting.prepare(cut)[None], verbose=0)

    return median_seconds(read, 1)


def _page():
    """A page as a camera of 12 megapixels sees it, and the network that reads all 62 characters."""
    import keras
    import written

    line = "the quick brown fox jumps over 13 lazy dogs 27 times"
    ink, _ = written.page([line] * 5, size=60, sheet=(4000, 3000), start=(150, 250), leading=5)
    model = keras.saving.load_model(ROOT / "notebooks/networks/byclass.keras")
    return written.photograph(ink, shadow=0.2, noise=0.02), model


# --- starting, and the whole course -----------------------------------------------------------


def ours_import_alone():
    """Seconds to import the package itself, without any of its rooms and without Keras."""
    return seconds(lambda: importlib.import_module("helpers"))


def ours_import():
    """Seconds to import every room of helpers."""
    paths = [path.relative_to(ROOT).with_suffix("") for path in ROOT.glob("helpers/**/[a-z]*.py")]
    rooms = sorted(".".join(path.parts) for path in paths)
    return seconds(lambda: [importlib.import_module(room) for room in rooms])


def peer_import():
    """Seconds to import what they stand on."""
    names = ("tensorflow", "keras", "matplotlib.pyplot", "pandas", "sklearn.metrics", "optuna")
    return seconds(lambda: [importlib.import_module(name) for name in names])


def ours_course():
    """Seconds of the whole course in the quick tier."""
    quick = {**os.environ, "COURSE_TIER": "quick", "COURSE_DATA": "sample"}
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    command = [sys.executable, ROOT / "notebooks/commands/execute.py", "course"]
    return seconds(lambda: subprocess.run(command, env=quick, cwd=ROOT, check=True, **silent))


if __name__ == "__main__":
    run(globals())
