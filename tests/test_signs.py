"""What is no character: the images that the network of signs learnt from, and what it refuses."""

import itertools
from pathlib import Path

from helpers import data
from helpers.archives import photographs, sample

import keras
import matplotlib
import numpy as np
import pytest
from PIL import ImageFont
from plans import signs
from scipy import ndimage

TTF = Path(matplotlib.get_data_path()) / "fonts" / "ttf"


@pytest.fixture(scope="module")
def network():
    return keras.saving.load_model(signs.NETWORK)


def prepared(made):
    """Those pictures that can be prepared, uint8 (n, 28, 28)."""
    return signs.prepared(("", "", picture) for picture in made)[2]


def refused(network, images):
    """The share of images that are said to be no characters."""
    return float((network.predict(images, verbose=0) >= 0.5).mean())


def test_no_sign_is_one_of_the_62_characters():
    assert not set("".join(signs.SIGNS.values())) & set(sample.CHARACTERS)


def test_a_font_has_what_it_draws_and_not_what_it_shows_a_box_for():
    font = ImageFont.truetype(TTF / "DejaVuSans.ttf", 40)
    assert signs.has(font, "?") and signs.has(font, "Ж")
    assert not signs.has(font, "ก") and not signs.has(font, " ")


@pytest.mark.parametrize("name", signs.SHAPES)
def test_a_drawing_is_ink_on_the_pad_each_time_another(name):
    rng = np.random.default_rng(1)
    one, other = (np.asarray(signs.by_hand(signs.SHAPES[name](rng), rng)) for _ in range(2))
    assert one.shape == (280, 280) and 0.005 < (one < 128).mean() < 0.6
    assert not np.array_equal(one, other)
    assert (one[[0, -1]] == 255).all() and (one[:, [0, -1]] == 255).all()


def test_the_network_is_small_and_loads_where_the_course_is_not(network):
    assert signs.NETWORK.stat().st_size < 500_000 and not network.compiled
    assert {type(layer).__module__.split(".")[0] for layer in network.layers} == {"keras"}
    found = network.predict(np.zeros((3, 28, 28), np.uint8), verbose=0)
    assert found.shape == (3, 1)


def test_signs_in_fonts_that_it_does_not_know_are_refused(network):
    rng = np.random.default_rng(2)
    fonts = [ImageFont.truetype(TTF / f"{name}.ttf", 40) for name in sample.FONTS[:9]]
    drawn = [sample.draw_character(sign, font, rng) for sign in "?&@#%§" for font in fonts]
    assert refused(network, prepared(photographs.photograph(one, rng) for one in drawn)) > 0.8


def test_drawings_are_refused_and_characters_by_the_same_hand_are_not(network):
    rng = np.random.default_rng(3)
    faces = (signs.by_hand(signs.face(rng), rng) for _ in range(20))
    assert refused(network, prepared(faces)) > 0.9
    drawn = (signs.by_hand(strokes, rng) for strokes in signs.LETTERS.values() for _ in range(2))
    assert refused(network, prepared(drawn)) < 0.05


def test_characters_moved_together_are_one_piece_of_ink_as_high_as_the_line():
    rng = np.random.default_rng(4)
    stroke, low = np.zeros((20, 5)), np.zeros((20, 5))
    stroke[2:18, 1:3] = 1
    low[10:18, 2:5] = 1
    line = signs.touching([stroke, low, stroke], rng)
    _, count = ndimage.label(line > 0.5, np.ones((3, 3)))
    assert len(line) == 20 and count == 1
    columns = np.flatnonzero((line > 0.5).any(axis=0))
    assert 2 + 3 + 2 - 2 * 3 <= len(columns) <= 2 + 3 + 2


def test_what_looks_like_one_character_when_it_touches_is_never_drawn():
    rng = np.random.default_rng(5)
    drawn = [signs.some_characters(rng) for _ in range(20_000)]
    assert {2, 3} == set(map(len, drawn)) and not {"cl", "lo", "rn", "vv"} & set(drawn)
    assert len({text for text in drawn if len(text) == 2}) > 3_000


def test_most_characters_that_touch_are_refused_in_fonts_that_it_does_not_know(network):
    files = [TTF / f"{name}.ttf" for name in sample.FONTS[:9]]
    made = signs.touching_fonts(np.random.default_rng(6), files)
    pictures = (picture for _, _, picture in itertools.islice(made, 120))
    assert refused(network, prepared(pictures)) > 0.85


def test_few_printed_characters_are_refused_though_bold_print_is_like_no_hand(network):
    printed = photographs.load(rendered=True).pictures[::3]
    assert refused(network, prepared(printed)) < 0.1


def test_a_plain_circle_is_a_character(network):
    images = prepared([signs.pad.draw([140 + 80 * signs.ring(0, 0, 1)])])
    assert refused(network, images) == 0


@pytest.mark.real_data
def test_at_most_one_in_twenty_true_characters_is_lost(network):
    photos = photographs.load()
    first = photographs.halves(photos.labels, photographs.near_duplicates(photos))
    assert refused(network, prepared(photos.part(~first).pictures)) < 0.05
    assert refused(network, data.load("emnist/byclass").test.images) < 0.02
