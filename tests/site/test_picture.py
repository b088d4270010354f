"""The picture of the front page is the one that the network and its drawing make today."""

import pytest
import site_files
from PIL import Image


@pytest.fixture(scope="module")
def picture():
    return site_files.load("picture")


def test_the_committed_picture_was_drawn_with_this_network_and_this_file(picture):
    assert picture.is_current(), "draw it anew: make results"


def test_a_picture_of_another_network_and_a_missing_one_are_not_current(
    picture, tmp_path, monkeypatch
):
    assert not picture.is_current(tmp_path / "missing.png")
    (tmp_path / "other.keras").write_bytes(b"other weights")
    monkeypatch.setattr(picture, "NETWORK", tmp_path / "other.keras")
    assert not picture.is_current()


def test_the_picture_is_wide_large_enough_to_read_and_small_to_load(picture):
    assert picture.PICTURE.stat().st_size < 150_000
    with Image.open(picture.PICTURE) as image:
        assert image.width > image.height > 500
