"""The stamp of a notebook says what it ran on."""

import json

from helpers import course, data
from helpers.internals import stamp

import keras


def test_the_stamp_says_what_was_loaded(letters):
    course.loaded.clear()
    data.load("emnist/letters")
    found = json.loads(json.dumps(stamp.ran_on()))
    assert found["tier"] == "full" and found["sample"] is False
    assert found["images"] == {"emnist/letters": 60}
    assert "60 of 124,800 train" in found["data"][0] and "incomplete" in found["data"][0]
    assert found["versions"]["keras"] == keras.__version__
    assert found["backend"] in found["versions"] and "cores" in found["machine"]
