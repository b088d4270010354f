"""What is no character: the images that the network of signs learnt from, and what it refuses."""

from pathlib import Path

from helpers import data
from helpers.archives import photographs, sample

import keras
import matplotlib
import numpy as np
import pytest
from PIL import ImageFont
from plans import signs

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
