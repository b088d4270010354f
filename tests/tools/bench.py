"""Measure loading and memory against the emnist package, on ByClass at NIST's size ("make bench").

Ours: `data.load("emnist/byclass")`. The peer: `emnist.extract_*_samples("byclass")` followed by the
usual `astype("float32") / 255`. Both read the same archive, on the same machine, in turns, each
measurement in a process of its own. ROWS=load_byclass,memory_byclass measures only those rows.

`bench.py --compare before.json after.json` prints what changed between two runs.
"""

import gzip
import hashlib
import json
import os
import platform
import resource
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "bench"
ARCHIVE_BYTES = 536_000_000  # NIST's; checking a hash takes time, so ours has that size too
REPEATS = 3
STEPS, BATCH = 200, 128
ROWS = {"load_byclass_first": "s", "load_byclass": "s", "memory_byclass": "MB"}
TARGETS = {"load_byclass_first": 1.0, "load_byclass": 1 / 20, "memory_byclass": 1 / 3}
"""The greatest ratio ours / peer that each row may have."""


def main():
    """Build the archive if need be, measure the chosen rows, print and save the table."""
    chosen = [name for name in os.environ.get("ROWS", "").split(",") if name] or list(ROWS)
    if unknown := set(chosen) - set(ROWS):
        sys.exit(f"ROWS: expected some of {', '.join(ROWS)}; found {', '.join(sorted(unknown))}.")
    FOLDER.mkdir(parents=True, exist_ok=True)
    _child("build", {}, show=True)
    results = [measure(name) for name in chosen]
    (ROOT / "build" / "bench.json").write_text(json.dumps(results, indent=1) + "\n")
    print(table(results))
    print(f"{machine()}; medians of {REPEATS}, in brackets greatest - least; build/bench.json")


# --- measuring -------------------------------------------------------------------------------


def measure(name):
    """One row of the table: medians over REPEATS, ours and the peer's in turns."""
    figures = {"ours": [], "peer": []}
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix="cache-") as warm:
        if name == "load_byclass":
            _child("ours_load", {"XDG_CACHE_HOME": warm})
        for turn in range(REPEATS):
            for side, seen in figures.items():
                seen.append(_side(name, side, warm))
                figure = f"{seen[-1]:.4g} {ROWS[name]}"
                print(f"{name}, {turn + 1} of {REPEATS}, {side}: {figure}", flush=True)
    ours, peer = (statistics.median(figures[side]) for side in ("ours", "peer"))
    spread = {f"{side}_spread": max(seen) - min(seen) for side, seen in figures.items()}
    return {
        "name": name, "unit": ROWS[name], "ours": ours, "peer": peer, "ratio": ours / peer,
        **spread, "machine": machine(),
    }  # fmt: skip


def _side(name, side, warm):
    """One measurement; a first load, and the memory of one, get a cache folder without anything."""
    task = f"{side}_{'train' if name == 'memory_byclass' else 'load'}"
    if name == "load_byclass":
        return _child(task, {"XDG_CACHE_HOME": warm})
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix="cache-") as fresh:
        return _child(task, {"XDG_CACHE_HOME": fresh})


def _child(task, variables, show=False):
    """Run one task of TASKS in a fresh process; returns the number it prints in its last line."""
    environment = {**os.environ, "COURSE_TIER": "full", **variables}
    if task != "build":  # both find the archive where the emnist package keeps it
        environment["HOME"] = str(FOLDER / "home")
        environment.pop("COURSE_DATA", None)
    done = subprocess.run(
        [sys.executable, __file__, "--child", task],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=None if show else subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{task} failed:\n{done.stdout}{done.stderr or ''}")
    return json.loads(done.stdout.splitlines()[-1])


def ours_load():
    """Seconds of our load."""
    from helpers import data

    return _seconds(lambda: data.load("emnist/byclass"))


def peer_load():
    """Seconds of the peer's load, with the conversion that it needs before training."""
    import emnist  # noqa: F401

    return _seconds(_peer_arrays)


def _seconds(action):
    began = time.perf_counter()
    kept = action()
    seconds = time.perf_counter() - began
    del kept
    return seconds


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


def _stop():
    """A callback that ends training after STEPS steps."""
    import keras

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch + 1 >= STEPS

    return Stop()


def _peak_memory():
    """The most memory that this process had, in MB. What it mapped from files counts as well."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def machine():
    """What the figures were measured on."""
    packages = [f"{name} {version(name)}" for name in ("tensorflow", "keras", "numpy")]
    python = f"Python {platform.python_version()}"
    return ", ".join([platform.machine(), f"{os.cpu_count()} cores", python, *packages])


# --- the archive -----------------------------------------------------------------------------


def build():
    """Build the archive of ByClass from the images at hand, unless it is there already."""
    from helpers import data

    dataset = data.load("emnist/byclass")
    sizes = data.PUBLISHED["emnist/byclass"]
    first = hashlib.sha256(dataset.train.images[:1000].tobytes()).hexdigest()
    made_of = json.dumps([dataset.describe(), sizes, ARCHIVE_BYTES, first])
    archive, note = FOLDER / "home/.cache/emnist/emnist.zip", FOLDER / "made_of.json"
    if archive.is_file() and note.is_file() and note.read_text() == made_of:
        return 0
    note.unlink(missing_ok=True)
    archive.parent.mkdir(parents=True, exist_ok=True)
    write_archive(archive, dataset, sizes, ARCHIVE_BYTES)
    note.write_text(made_of)
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


# --- showing ---------------------------------------------------------------------------------


def table(results):
    """The results as text: row, unit, ours, peer, ratio, and whether the target is met."""
    lines = [f"{'row':<20}{'unit':<5}{'ours':>22}{'peer':>22}{'ratio':>9}  target"]
    for row in results:
        sides = [f"{row[side]:.4g} ({row[f'{side}_spread']:.2g})" for side in ("ours", "peer")]
        target = TARGETS[row["name"]]
        verdict = f"at most {target:.3g}: {'met' if row['ratio'] <= target else 'NOT MET'}"
        start = f"{row['name']:<20}{row['unit']:<5}"
        lines.append(f"{start}{sides[0]:>22}{sides[1]:>22}{row['ratio']:>9.4f}  {verdict}")
    return "\n".join(lines)


def compare(before, after):
    """What changed from one file of results to another, as text."""
    old = {row["name"]: row for row in json.loads(Path(before).read_text())}
    lines = [f"{'row':<20}{'unit':<5}{'before':>10}{'after':>10}{'change':>10}{'ratio':>20}"]
    for row in json.loads(Path(after).read_text()):
        if (was := old.get(row["name"])) is None:
            lines.append(f"{row['name']:<20}{row['unit']:<5}{'-':>10}{row['ours']:>10.4g}")
            continue
        change = f"{(row['ours'] / was['ours'] - 1) * 100:+.1f} %"
        ratios = f"{was['ratio']:.4f} -> {row['ratio']:.4f}"
        start = f"{row['name']:<20}{row['unit']:<5}"
        lines.append(f"{start}{was['ours']:>10.4g}{row['ours']:>10.4g}{change:>10}{ratios:>20}")
    return "\n".join(lines)


TASKS = {task.__name__: task for task in (build, ours_load, peer_load, ours_train, peer_train)}

if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        sys.path.insert(0, str(ROOT))
        print(json.dumps(TASKS[sys.argv[2]]()))
    elif sys.argv[1:2] == ["--compare"] and len(sys.argv) == 4:
        print(compare(sys.argv[2], sys.argv[3]))
    elif len(sys.argv) == 1:
        main()
    else:
        sys.exit("expected bench.py, or bench.py --compare before.json after.json")
