"""What "make bench" measures of data and memory: functions that return a number.

Each is run in a process of its own, as by `python bench_tasks.py ours_load`. ours_… is the course's
way, peer_… what most do.
"""

import gzip
import hashlib
import json
import os
import resource
import struct
import sys
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "bench"
ARCHIVE_BYTES = 536_000_000  # NIST's; checking a hash takes time, so ours has that size too
STEPS, BATCH = 200, 128

# --- loading and memory ----------------------------------------------------------------------


def ours_load():
    """Seconds of our load."""
    from helpers import data

    return seconds(lambda: data.load("emnist/byclass"))


def peer_load():
    """Seconds of the peer's load, with the conversion that it needs before training."""
    import emnist  # noqa: F401

    return seconds(_peer_arrays)


def run(tasks):
    """Do the task, of a module's, that the command line names; print its number."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "tools")]  # where pages are written
    print(json.dumps(tasks[sys.argv[1]]()))


def seconds(action):
    """How long an action takes."""
    began = time.perf_counter()
    kept = action()
    passed = time.perf_counter() - began
    del kept
    return passed


def _peer_arrays():
    """Training and test images as most who use the emnist package have them."""
    import emnist

    x_train, y_train = emnist.extract_training_samples("byclass")
    x_train = x_train.astype("float32") / 255
    x_test, y_test = emnist.extract_test_samples("byclass")
    x_test = x_test.astype("float32") / 255
    return (x_train, y_train), (x_test, y_test)


def ours_train():
    """Peak memory of a process that loads and trains, the whole training split given to `fit`."""
    from helpers import data, models, training

    import keras

    keras.utils.set_random_seed(0)
    dataset = data.load("emnist/byclass")
    model = models.dense_ann((128,), classes=62)
    training.fit(model, dataset.train, epochs=1, batch_size=BATCH, callbacks=[_stop()])
    return _peak_memory()


def peer_train():
    """Peak memory of the same with the peer's arrays and Keras alone."""
    import helpers  # noqa: F401  the same settings of TensorFlow

    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    (x_train, y_train), test = _peer_arrays()
    hidden = layers.Dense(128, activation="relu")
    model = keras.Sequential([layers.Flatten(), hidden, layers.Dense(62, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x_train, y_train, batch_size=BATCH, callbacks=[_stop()], verbose=0)
    del test  # held until here, as a notebook would
    return _peak_memory()


def ours_epoch():
    """Peak memory of a process that trains for one whole epoch, so that it reads every image."""
    from helpers import data, models, training

    train = data.load("emnist/byclass").train
    training.fit(models.dense_ann((128,), classes=62), train, epochs=1, batch_size=BATCH)
    return _peak_memory()


def ours_image():
    """Milliseconds of training for an image, drawn from all of NIST's."""
    from helpers import data

    return _milliseconds(data.load("emnist/byclass").train)


def peer_image():
    """Milliseconds of training for an image, drawn from those repeated to make the archive."""
    from helpers import data

    return _milliseconds(data.load("emnist/byclass").train[: _at_hand()])


def _at_hand():
    """How many images were repeated to make the archive."""
    return json.loads((FOLDER / "made_of.json").read_text(encoding="utf-8"))[-1]


def _milliseconds(split):
    """Train report E's network on 40,000 of these images; ms for an image.

    An epoch is shuffled, so its beginning draws from all of them.
    """
    from helpers import models, training

    import keras

    keras.utils.set_random_seed(0)
    stop = _stop(40_000 // 36)
    options = {"epochs": 1, "batch_size": 36, "verbose": False, "callbacks": [stop]}
    history = training.fit(models.report_e(), split, **options)
    return 1000 * history.seconds / (36 * stop.steps)


def ours_report():
    """Seconds from 116,323 test images to report and 62 × 62 matrix; the network is untrained."""
    from helpers import data, evaluation, models

    dataset, model = data.load("emnist/byclass"), models.report_e()

    def judge():
        judged = evaluation.evaluate(model, dataset.test, dataset.classes)
        return judged.report(), judged.confusion

    return seconds(judge)


def peer_report():
    """Seconds of the same by Keras and scikit-learn."""
    from helpers import models

    from sklearn.metrics import classification_report, confusion_matrix

    _, (images, labels) = _peer_arrays()
    model = models.report_e()

    def judge():
        found = model.predict(images, verbose=0).argmax(axis=1)
        report = classification_report(labels, found, output_dict=True, zero_division=0)
        return report, confusion_matrix(labels, found)

    return seconds(judge)


def _stop(at_least=STEPS):
    """A callback that ends training after so many steps; it knows how many they became."""
    import keras

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.steps = batch + 1
            self.model.stop_training = self.steps >= at_least

    return Stop()


def _peak_memory():
    """The most memory that this process had, in MB. What it mapped from files counts as well."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


# --- the archive -----------------------------------------------------------------------------


def build():
    """Build the archive of ByClass from the images at hand, unless it is there already."""
    from helpers import data

    dataset = data.load("emnist/byclass")
    sizes = data.PUBLISHED["emnist/byclass"]
    first = hashlib.sha256(dataset.train.images[:1000].tobytes()).hexdigest()
    made_of = json.dumps([dataset.describe(), sizes, ARCHIVE_BYTES, first, len(dataset.train)])
    archive, note = FOLDER / "home/.cache/emnist/emnist.zip", FOLDER / "made_of.json"
    if archive.is_file() and note.is_file() and note.read_text(encoding="utf-8") == made_of:
        return 0
    note.unlink(missing_ok=True)
    archive.parent.mkdir(parents=True, exist_ok=True)
    write_archive(archive, dataset, sizes, ARCHIVE_BYTES)
    note.write_text(made_of, encoding="utf-8")
    return len(dataset.train)


def write_archive(archive, dataset, sizes, total_bytes=0):
    """Write an archive in NIST's layout, with so many images of each part and at least so large."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as zipped:
        for part, size in zip(("train", "test"), sizes, strict=True):
            split = getattr(dataset, part)
            name = f"gzip/emnist-byclass-{part}-{{}}-ubyte.gz"
            with zipped.open(name.format("labels-idx1"), "w") as member:
                labels = split.labels[[row % len(split) for row in range(size)]].astype("uint8")
                member.write(gzip.compress(struct.pack(">2i", 2049, size) + labels.tobytes()))
            with zipped.open(name.format("images-idx3"), "w") as member:
                _write_images(member, split.images, size, part)
        missing = total_bytes - zipped.fp.tell()
        with zipped.open("gzip/the-other-splits", "w", force_zip64=True) as member:
            for start in range(0, missing, 1 << 20):
                member.write(os.urandom(min(1 << 20, missing - start)))


def _write_images(member, images, size, part):
    """Images repeated until there are enough, transposed as NIST stores them, a piece at a time."""
    from tqdm import tqdm

    with gzip.GzipFile(fileobj=member, mode="wb", compresslevel=6) as target:
        target.write(struct.pack(">4i", 2051, size, *images.shape[1:]))
        with tqdm(total=size, desc=f"building {part}", unit="image", unit_scale=True) as bar:
            written = 0
            while written < size:
                piece = images[written % len(images) :][: min(4096, size - written)]
                target.write(piece.swapaxes(1, 2).tobytes())
                written += len(piece)
                bar.update(len(piece))


if __name__ == "__main__":
    run(globals())
