"""The finished networks in notebooks/networks are what their README and the studies' tables say."""

import re

from helpers import data, evaluation, studies
from helpers.studies import table

import keras
import numpy as np
import plans
import pytest
from plans import common, notebook_13, notebook_16, notebook_25

FOLDER = common.NOTEBOOKS / "networks"
NETWORKS = {
    "byclass": (notebook_16.final_byclass, "course's, with fonts"),
    "byclass_emnist": (notebook_16.final_byclass, "course's"),
    "report_e": (notebook_16.final_byclass, "report E's"),
    "balanced": (notebook_16.final_balanced, "course's, with fonts"),
    "balanced_emnist": (notebook_16.final_balanced, "course's"),
    "digits": (notebook_13.final_digits, "course's"),
}
"""File → its study, and the network of the study's rows that it is; seed 1."""
LARGEST = 1_500_000  # bytes of each
README = (FOLDER / "README.md").read_text(encoding="utf-8")
ALL_MEMBERS = 18_000_000  # bytes of all members and students
KEPT = [plan for plan in plans.every() if plan.keep]


def stored(name):
    """The line of the study's table for a kept network."""
    plan, network = NETWORKS[name]
    return studies.load(plan).set_index(["network", "seed"]).loc[network, 1]


def test_the_folder_holds_small_networks_and_their_readme():
    files = {path.name: path.stat().st_size for path in FOLDER.iterdir() if path.is_file()}
    assert files.keys() == {"README.md", "signs.keras", *(f"{name}.keras" for name in NETWORKS)}
    assert max(files.values()) < LARGEST


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_loads_and_takes_raw_images(name):
    network = keras.saving.load_model(FOLDER / f"{name}.keras")
    assert not network.compiled
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28), dtype=np.uint8)
    probabilities = keras.ops.convert_to_numpy(network(images))
    assert probabilities.shape == (3, len(data.CLASSES[NETWORKS[name][0].data]))
    assert probabilities.sum(axis=1) == pytest.approx(1)
    assert network.count_params() == stored(name)["parameters"]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_readme_says_how_a_network_was_trained(name):
    (line,) = re.findall(rf"^\| `{name}\.keras` .*$", README, re.M)
    row = stored(name)
    figures = [f"{row['trained_images']:,}", f"{row['parameters']:,}"]
    assert all(figure in line for figure in [*figures, f"{100 * row['accuracy']:.2f} %"])


@pytest.mark.real_data
@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_reaches_its_stated_accuracy_on_the_test_images(name):
    dataset, row = data.load(NETWORKS[name][0].data), stored(name)
    (line,) = re.findall(rf"^\| `{name}\.keras` .*$", README, re.M)
    if f"| {len(dataset.test):,} |" not in line:
        pytest.skip(f"other test images: {len(dataset.test):,}, not those of {line}")
    network = keras.saving.load_model(FOLDER / f"{name}.keras")
    tested = evaluation.evaluate(network, dataset.test, dataset.classes)
    assert tested.accuracy == pytest.approx(row["accuracy"], abs=5e-4)


def test_every_member_has_its_row_and_every_row_its_member():
    rows = {f"{plan.name} {row}.npz" for plan in KEPT for row in table.Table(plan).read_rows()[0]}
    files = {path.name: path.stat().st_size for path in (FOLDER / "members").glob("*")}
    assert files.keys() == rows
    assert sum(files.values()) < ALL_MEMBERS


@pytest.mark.real_data
@pytest.mark.parametrize("plan", KEPT, ids=lambda plan: plan.name)
def test_a_member_reaches_its_stated_accuracy_on_the_images_held_out(plan):
    rows = table.Table(plan).read_rows()[0]
    train, validation = studies.parts(plan, common.ALL_IMAGES, notebook_25.HELD_OUT)
    trained = {row["trained_images"] for row in rows.values()}
    if trained != {len(train)}:  # of a smaller copy the members were trained on what is held out
        pytest.skip(f"trained on {max(trained):,} images; here are {len(train):,} to train on")
    tolerance = max(5e-4, 1.1 / len(validation))  # rounding may change how one image is read
    for row, network in zip(plan.rows, studies.load_networks(plan).values(), strict=True):
        found = evaluation.evaluate(network, validation, data.CLASSES[plan.data])
        assert found.accuracy == pytest.approx(rows[row]["accuracy"], abs=tolerance)
