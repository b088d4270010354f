"""Handwriting: a picture becomes an image like the training data's, a page becomes its text."""

import json
import subprocess
import sys
import warnings
from contextlib import suppress
from functools import cache
from pathlib import Path

from helpers import handwriting
from helpers.handwriting import conversion, ink, pictures
from helpers.handwriting.prepare import _joined as joined

import numpy as np
import pytest
import written
from PIL import Image, ImageDraw
from scipy import ndimage, signal
from sklearn.datasets import load_digits, load_sample_image

CLASSES = tuple("0123456789ABDEFGHJLMNQRTUabdefghijmnqrt")
TEXT = ["Hide the big jar", "7 fine red hen", "234 near me", "A big TREE 1986"]


def alike(image, other):
    """How alike two images are: their correlation."""
    return np.corrcoef(image.ravel(), other.ravel())[0, 1]


PLAIN = {letter: handwriting.prepare(written.picture(letter)) for letter in "Rig8"}
CASES = {
    "inverted": lambda letter: 1 - written.picture(letter),
    "small, in a corner": lambda letter: written.picture(letter, 40, at=(0.2, 0.75)),
    "tiny in a large picture": lambda letter: written.picture(letter, 60, (1600, 1200), (0.8, 0.3)),
    "large": lambda letter: written.picture(letter, 900, (3000, 2000)),
    "30 × 22": lambda letter: np.asarray(
        Image.fromarray(written.picture(letter)).resize((30, 22), Image.Resampling.BOX)
    ),
    "faint pencil": lambda letter: written.picture(letter, paper=0.85, dark=0.72),
    "blackboard": lambda letter: written.picture(letter, paper=0.2, dark=0.9),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("letter", PLAIN)
def test_the_same_character_gives_the_same_image_however_it_was_taken(case, letter):
    image = handwriting.prepare(CASES[case](letter))
    assert image.shape == (28, 28) and image.dtype == np.uint8 and image.max() == 255
    assert alike(image, PLAIN[letter]) > 0.85
    others = [alike(image, PLAIN[other]) for other in PLAIN if other != letter]
    assert alike(image, PLAIN[letter]) > max(others) + 0.1


@pytest.mark.parametrize("settings", [
    {"shadow": 0.4},
    {"noise": 0.03},
    {"ruling": "ruled"},
    {"ruling": "squared", "noise": 0.02, "shadow": 0.2},
    {"ruling": "squared", "paper": 0.2, "dark": 0.9},
])  # fmt: skip
@pytest.mark.parametrize("letter", PLAIN)
def test_light_ruling_and_noise_leave_no_trace(settings, letter):
    ink = (written.picture(letter, 120, (320, 240)) < 0.5).astype(np.float32)
    image = handwriting.prepare(written.photograph(ink, **settings))
    assert alike(image, PLAIN[letter]) > 0.85


def test_specks_and_a_neighbour_cut_off_by_the_edge_are_left_out():
    sheet = written.picture("R")
    sheet[20:23, 30:33] = sheet[200:203, 150:153] = 0.2
    sheet[60:110, :12] = 0.2
    assert alike(handwriting.prepare(sheet), PLAIN["R"]) > 0.95


@pytest.mark.parametrize("radius, above", [(16, 90), (28, 60)])
def test_a_dot_that_is_far_above_its_stem_or_large_belongs_to_it(radius, above):
    sheet = np.full((300, 200), 0.85, np.float32)
    sheet[170:250, 95:107] = 0.2
    rows, columns = np.indices(sheet.shape)
    sheet[np.hypot(rows - 170 + above, columns - 101) < radius] = 0.2
    image = handwriting.prepare(sheet)
    inked = image.max(axis=1) > 127
    assert np.abs(np.diff(inked[3:-3].astype(int))).sum() == 2  # ink, gap, ink


@pytest.mark.parametrize("style, convert", conversion.STYLES.items())
def test_a_training_image_stays_nearly_what_it_is(style, convert):
    scan = written.picture("R", 90, (128, 128)) < 0.5
    image = convert(ink.scan(scan.astype(np.float32), scan))
    assert alike(handwriting.prepare(image, style), image) > 0.9


def test_both_styles_put_the_ink_where_their_training_images_have_it():
    emnist, mnist = (
        handwriting.prepare(written.picture("7"), style) for style in ("emnist", "mnist")
    )
    sides = [np.ptp(np.nonzero(image > 127)[0]) + 1 for image in (emnist, mnist)]
    assert 21 <= sides[0] <= 25 and 18 <= sides[1] <= 20


BLOCK = {
    "E": [[(0, 0), (0, 1)], [(0, 0), (0.7, 0)], [(0, 0.5), (0.7, 0.5)], [(0, 1), (0.7, 1)]],
    "F": [[(0, 0), (0, 1)], [(0, 0), (0.7, 0)], [(0, 0.5), (0.6, 0.5)]],
    "H": [[(0, 0), (0, 1)], [(0.7, 0), (0.7, 1)], [(0, 0.5), (0.7, 0.5)]],
    "L": [[(0, 0), (0, 1)], [(0, 1), (0.7, 1)]],
    "N": [[(0, 1), (0, 0), (0.7, 1), (0.7, 0)]],
    "T": [[(0, 0), (0.7, 0)], [(0.35, 0), (0.35, 1)]],
    "Z": [[(0, 0), (0.7, 0), (0, 1), (0.7, 1)]],
}


def block(letter, height, width, margin=0, sheet=None, at=(0, 0)):
    """A letter of straight strokes in a sheet, or in a picture of its size and a margin."""
    strokes = [np.array(stroke) * height + margin + width // 2 for stroke in BLOCK[letter]]
    if sheet is None:
        size = np.concatenate(strokes).max(axis=0).astype(int) + width // 2 + margin
        sheet = Image.new("L", tuple(size.tolist()), 230)
    for stroke in strokes:
        line = [tuple(point) for point in (stroke + at).astype(int).tolist()]
        ImageDraw.Draw(sheet).line(line, fill=30, width=width)
    return sheet


@cache
def with_paper_around(width):
    """Each block letter, 120 pixels high, prepared from a picture with much paper: letter to it."""
    return {name: handwriting.prepare(block(name, 120, width, 90)) for name in BLOCK}


@pytest.mark.parametrize("height, width, margin", [(120, 6, 0), (40, 4, 1), (33, 2, 0)])
@pytest.mark.parametrize("letter", BLOCK)
def test_straight_strokes_stay_in_a_tight_crop(letter, height, width, margin):
    image = handwriting.prepare(block(letter, height, width, margin))
    wide = with_paper_around(120 * width // height)
    assert max(BLOCK, key=lambda name: alike(image, wide[name])) == letter
    assert alike(image, wide[letter]) > 0.75


@pytest.mark.parametrize("height, width", [(40, 1), (24, 1), (40, 2)])
@pytest.mark.parametrize("stroke", [
    [(0, 0), (0.5, 1), (1, 0)],
    [(0, 1), (0.5, 0), (1, 1)],
])  # fmt: skip
def test_white_paper_of_a_binary_picture_stays_white(stroke, height, width):
    face = Image.new("1", (4 * height // 5, height), 1)
    line = [(round(x * (face.width - 1)), round(y * (height - 1))) for x, y in stroke]
    ImageDraw.Draw(face).line(line, fill=0, width=width)
    image = handwriting.prepare(face)
    assert np.median(image) == 0 and (image > 60).mean() < 0.3  # it was half grey


@pytest.mark.parametrize("text", ["moon", "word"])
def test_letters_that_touch_are_refused(text):
    ink, _ = written.page([text], gap=-0.1, sheet=(500, 250))
    with pytest.raises(pictures.SeveralCharacters, match="several that touch"):
        handwriting.prepare(written.photograph(ink))


GRADIENTS = {
    "to the right": lambda x, y: x,
    "down": lambda x, y: y,
    "to a corner": lambda x, y: (x + y) / 2,
    "a lamp": lambda x, y: 1 - np.hypot(x - 0.5, y - 0.5),
    "a vignette": lambda x, y: np.hypot(x - 0.5, y - 0.5),
}


@pytest.mark.parametrize("shape", [(28, 28), (90, 120), (300, 120)])
@pytest.mark.parametrize("kind", GRADIENTS)
def test_a_plain_gradient_holds_no_ink(kind, shape):
    y, x = np.mgrid[0 : 1 : shape[0] * 1j, 0 : 1 : shape[1] * 1j]
    with pytest.raises(pictures.NoInk):
        handwriting.prepare(GRADIENTS[kind](x, y))


STEPS = {
    "to the right": lambda x, y: x > 0.5,
    "a third": lambda x, y: x > 0.3,
    "a corner": lambda x, y: x + y > 1.2,
}


@pytest.mark.parametrize("soft", [0, 2, 4, 8])
@pytest.mark.parametrize("shape", [(60, 45), (90, 120), (300, 225)])
@pytest.mark.parametrize("kind", STEPS)
def test_a_step_of_brightness_holds_no_ink(kind, shape, soft):
    y, x = np.mgrid[0 : 1 : shape[0] * 1j, 0 : 1 : shape[1] * 1j]
    for dark in (0.3, 0.6):
        step = ndimage.gaussian_filter(np.where(STEPS[kind](x, y), dark, 0.9), soft)
        with pytest.raises((pictures.NoInk, pictures.SeveralCharacters)):
            handwriting.prepare(step)


@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("shape", [(28, 28), (60, 45), (120, 90)])
@pytest.mark.parametrize("column, row", [(0, -1), (0, 0), (-1, 0), (-1, -1)])
def test_thin_strokes_along_two_edges_are_a_corner(column, row, shape, width):
    sheet = np.full(shape, 230, np.uint8)
    sheet[:, slice(None, width) if column == 0 else slice(-width, None)] = 30
    sheet[slice(None, width) if row == 0 else slice(-width, None)] = 30
    image = handwriting.prepare(sheet) > 100
    rows, columns = np.nonzero(image)
    drawn = image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    assert drawn.any(axis=0).all() and drawn.any(axis=1).all()  # strokes cross all of it, both ways
    assert min(drawn.shape) > 14 and drawn.mean() < 0.35
    middle = np.median(columns) - columns.min(), np.median(rows) - rows.min()
    assert (middle[0] < drawn.shape[1] / 2) == (column == 0)
    assert (middle[1] < drawn.shape[0] / 2) == (row == 0)


def test_real_digits_of_8_by_8_pixels_are_prepared():
    for digit in load_digits().images[:40]:
        dark, light = (handwriting.prepare(one) for one in (16 - digit, digit))
        assert np.array_equal(dark, light) or alike(dark, light) > 0.9


def test_without_steps_the_picture_is_squeezed_as_it_is():
    sheet = np.round(255 * written.picture("R", paper=0.9)).astype(np.uint8)
    naive = handwriting.prepare(sheet, steps=())
    assert naive.shape == (28, 28) and abs(np.median(naive) - 0.9 * 255) < 2
    assert np.median(handwriting.prepare(sheet, steps=("invert",))) > 0
    assert np.median(handwriting.prepare(sheet, steps=("invert", "light"))) == 0


def test_each_step_changes_the_image_that_needs_it():
    ink = (written.picture("R", 100, (320, 240), (0.3, 0.4), "DejaVuSans-Bold") < 0.5).astype(
        np.float32
    )
    photograph = written.photograph(ink, shadow=0.3, ruling="ruled")
    marked = np.array(photograph)
    marked[200:204, 250:254] = 0
    images = [
        handwriting.prepare(marked, steps=handwriting.STEPS[:count]) for count in (0, 1, 2, 3, 5, 6)
    ]
    likeness = [alike(image, PLAIN["R"]) for image in images]
    assert likeness[-1] > 0.85 and likeness[-1] == max(likeness)
    assert len({image.tobytes() for image in images}) == len(images)


def test_specks_go_from_a_picture_that_is_not_cropped():
    sheet = written.picture("R")
    sheet[20:28, 20:28] = 0.2
    kept, gone = (
        handwriting.prepare(sheet, steps=("invert", "light", *more)) for more in ((), ("specks",))
    )
    assert kept[:5, :5].max() > 40 and gone[:5, :5].max() == 0
    assert np.array_equal(kept[:, 8:], gone[:, 8:])


@pytest.mark.parametrize("style, steps, message", [
    ("Emnist", handwriting.STEPS, "'emnist' or 'mnist', found 'Emnist'"),
    ("emnist", ("light",), "'invert' with 'light'"),
    ("emnist", ("invert", "light", "stroke"), "'crop' with 'stroke'"),
    ("emnist", ("blur",), r"found \('blur',\)"),
])  # fmt: skip
def test_unknown_styles_and_steps_are_named(style, steps, message):
    with pytest.raises(ValueError, match=message):
        handwriting.prepare(written.picture("R"), style, steps)


def test_an_unknown_style_is_named_before_a_page_is_looked_at():
    with pytest.raises(ValueError, match="'emnist' or 'mnist', found 'nist'"):
        handwriting.read_page("no such file", None, (), style="nist")


def two(first, second, apart=(1, 0)):
    """Two characters in one picture, beside or above each other."""
    sheet = np.full((400, 400), 0.85, np.float32)
    for letter, sign in ((first, -1), (second, 1)):
        at = [0.5 + sign * 0.18 * share for share in apart]
        sheet = np.minimum(sheet, written.picture(letter, 90, (400, 400), at))
    return sheet


REFUSED = {
    "two beside each other": (lambda: two("A", "B"), pictures.SeveralCharacters, "found 2"),
    "two above each other": (lambda: two("A", "B", (0, 1)), pictures.SeveralCharacters, "found 2"),
    "a page": (lambda: 1 - written.page(TEXT)[0], pictures.SeveralCharacters, "read_page"),
    "nothing": (lambda: np.full((90, 120), 0.8), pictures.NoInk, "Expected ink"),
    "a speck": (lambda: 1 - np.pad(np.ones((3, 3)), 60), pictures.NoInk, "specks"),
    "black": (lambda: np.zeros((90, 120), np.uint8), pictures.NoInk, "Expected ink"),
    "grain": (
        lambda: 0.8 + np.random.default_rng(0).normal(0, 0.02, (90, 120)),
        pictures.NoInk,
        "Expected",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_single_character_is_refused(name):
    make, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        handwriting.prepare(make())


@pytest.fixture(scope="module")
def model():
    return written.Nearest(handwriting.prepare, CLASSES)


@pytest.fixture(scope="module")
def page():
    return written.page(TEXT)


PAGES = {
    "clean": {},
    "shadow": {"shadow": 0.4},
    "noise": {"noise": 0.03},
    "turned": {"angle": 3},
    "turned, ruled, shadow, noise": {"angle": -4, "ruling": "ruled", "shadow": 0.3, "noise": 0.02},
    "turned, squared": {"angle": 2, "ruling": "squared", "noise": 0.02},
    "blackboard": {"paper": 0.2, "dark": 0.9, "angle": -3},
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_read_in_order_with_words_apart(name, model, page):
    ink, boxes = page
    text, found, probabilities = handwriting.read_page(
        written.photograph(ink, **PAGES[name]), model, CLASSES
    )
    assert text.split("\n") == TEXT
    assert probabilities.shape == (len(boxes), len(CLASSES))
    turned = written.turned(boxes, ink.shape, PAGES[name].get("angle", 0))
    assert np.abs(found - turned).max() < 12


@pytest.mark.parametrize("ruling", ["ruled", "squared"])
def test_ruling_that_is_level_with_the_text_costs_hardly_a_character(ruling, model, page):
    text, found, _ = handwriting.read_page(
        written.photograph(page[0], ruling=ruling), model, CLASSES
    )
    assert len(found) == len(page[1])
    wrong = sum(a != b for a, b in zip(text, "\n".join(TEXT), strict=True))
    assert wrong <= 2


def test_boxes_are_in_pixels_of_the_picture_that_was_passed(model):
    ink, boxes = written.page(["Red hat"], 120, (4000, 1500), start=(300, 800))
    text, found, _ = handwriting.read_page(written.photograph(ink), model, CLASSES)
    assert text == "Red hat"
    assert np.abs(found - boxes).max() <= 8


def test_merged_classes_read_as_their_first_character(model, page):
    merged = tuple(name + name.lower() for name in CLASSES)
    text, _, _ = handwriting.read_page(written.photograph(page[0]), model, merged)
    assert text.split("\n") == TEXT


def test_a_page_without_ink_and_a_wrong_number_of_classes_are_refused(model, page):
    with pytest.raises(pictures.NoInk):
        handwriting.read_page(np.full((200, 300), 0.9), model, CLASSES)
    with pytest.raises(ValueError, match=r"Expected probabilities of shape \(\d+, 5\)"):
        handwriting.read_page(written.photograph(page[0]), model, CLASSES[:5])


def test_read_gives_the_image_and_the_best_predictions(model):
    sheet = written.picture("R")
    seen, predictions = handwriting.read(sheet, model, CLASSES, count=3)
    assert np.array_equal(seen, handwriting.prepare(sheet))
    assert predictions[0][0] == "R" and len(predictions) == 3
    values = [value for _, value in predictions]
    assert values == sorted(values, reverse=True) and 0 <= values[-1] <= values[0] <= 1


LETTERS = tuple("EFHLNTZ")


@pytest.fixture(scope="module")
def block_model():
    """Knows the block letters by their shape."""
    model = written.Nearest(lambda picture: np.zeros((28, 28)), LETTERS)
    known = [with_paper_around(6)[letter] for letter in LETTERS]
    model.known = np.stack(known).reshape(len(known), -1) / 255
    return model


@pytest.mark.parametrize("height, width", [(120, 3), (330, 5), (60, 4)])
def test_a_page_of_straight_strokes_is_read(height, width, block_model):
    sheet = Image.new("L", (1300, 700), 255)
    for place, letter in enumerate("LTHE"):
        block(letter, height, width, 0, sheet, (60 + round(0.85 * height * place), 150))
    assert handwriting.read_page(sheet, block_model, LETTERS)[0] == "LTHE"


def test_ruling_as_dark_as_ink_is_removed_from_a_page_of_straight_strokes(block_model):
    sheet = Image.new("L", (1300, 700), 255)
    for top in range(40, 700, 90):
        ImageDraw.Draw(sheet).line([(0, top), (1300, top)], fill=30, width=2)
    for place, letter in enumerate("HELTNHTZ"):
        block(letter, 60, 5, 0, sheet, (60 + 100 * place, 200))
    assert handwriting.read_page(sheet, block_model, LETTERS)[0] == "HELTNHTZ"


def test_a_page_that_reads_well_gives_no_warning(model, page):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        handwriting.read_page(written.photograph(page[0]), model, CLASSES)


def test_lines_that_are_turned_too_far_are_said(model):
    ink, _ = written.page(TEXT, start=(100, 500), sheet=(1600, 1600))
    photograph = written.photograph(ink, angle=20)
    with pytest.warns(UserWarning, match=r"their lines fall by (19|20|21) degrees"):
        handwriting.read_page(photograph, model, CLASSES)


def test_letters_that_touch_are_said(model):
    ink, _ = written.page(["moon word now", "big jar"], gap=-0.1)
    with pytest.warns(UserWarning, match=r"\d of \d+ are as wide as several letters that touch"):
        handwriting.read_page(written.photograph(ink), model, CLASSES)


@pytest.fixture(scope="module")
def network():
    """The network that is kept, which is sure of itself also where letters touch."""
    import keras

    path = Path(__file__).parents[2] / "notebooks" / "networks" / "byclass.keras"
    return keras.saving.load_model(path)


SIXTY = ["The quick brown fox", "jumps over 13 lazy dogs", "and reads 1986 notes", "by Ada Bell"]


@pytest.mark.parametrize("font", ["DejaVuSans", "DejaVuSerif", "STIXGeneral"])
@pytest.mark.parametrize("closed", [0, 0.2, 0.3, 0.5, 1])
def test_a_page_on_which_some_letters_touch_warns(closed, font, network):
    ink, boxes = written.page(SIXTY, font=font, closed=closed)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = handwriting.read_page(written.photograph(ink), network, SIGNS, words=False)[1]
    assert (len(found) >= 0.95 * len(boxes)) != any("letters that touch" in str(w) for w in said)


def test_one_wide_letter_among_many_is_no_letters_that_touch():
    wide, narrow = np.ones((40, 60), bool), np.ones((40, 25), bool)
    masks, best = [wide, *[narrow] * 30], np.ones(31)
    assert joined(masks, best) == 0
    assert joined([wide, *masks], np.ones(32)) == 2
    less = np.ones((40, 45), bool)
    assert joined([less] * 3 + [narrow] * 30, np.ones(33)) == 0  # sure of each
    assert joined([less] * 3 + [narrow] * 30, np.r_[[0.4] * 3, np.ones(30)]) == 3


def spectrogram():
    """A voice that rises and falls, with its overtones: frequency upwards, time to the right."""
    time = np.arange(48_000) / 8_000
    pitch = 2 * np.pi * np.cumsum(180 + 60 * np.sin(2 * np.pi * 0.6 * time)) / 8_000
    loud = 0.5 + 0.5 * np.sin(2 * np.pi * 2.2 * time) ** 2
    sound = sum(np.sin(k * pitch) / k for k in range(1, 14)) * loud
    sound += np.random.default_rng(0).normal(0, 0.05, len(time))
    power = signal.spectrogram(sound, 8_000, nperseg=512, noverlap=448)[2]
    level = np.log10(power + 1e-9)[::-1]
    level = (level - level.min()) / np.ptp(level)
    return Image.fromarray(np.uint8(255 * level)).resize((1200, 700), Image.Resampling.BICUBIC)


NO_PAGES = {
    "china.jpg": lambda: load_sample_image("china.jpg"),
    "flower.jpg": lambda: load_sample_image("flower.jpg"),
    "a spectrogram": spectrogram,
}


@pytest.mark.parametrize("name", NO_PAGES)
def test_what_is_no_page_is_refused_or_said(name, network):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        with suppress(pictures.NoInk, pictures.SeveralCharacters):
            handwriting.read_page(NO_PAGES[name](), network, SIGNS)
            assert any("Expected separate characters on paper" in str(one.message) for one in said)


def test_a_low_median_of_the_best_probabilities_is_said(page):
    class Unsure:
        def predict(self, images, **_):
            return np.tile([0.42, 0.3, 0.28], (len(images), 1))

    with pytest.warns(UserWarning, match=r"median of their best probabilities is 0\.42"):
        handwriting.read_page(written.photograph(page[0]), Unsure(), tuple("abc"))


class Doubt:
    """Tells signs: the first marks of a page are some with these probabilities, the others none."""

    def __init__(self, *first):
        self.first = first

    def predict(self, images, **_):
        assert images.dtype == np.uint8 and images.shape[1:] == (28, 28)
        return np.resize([*self.first, *[0.1] * len(images)], (len(images), 1))


def test_what_looks_like_no_character_is_refused_by_a_network_that_tells(model):
    sheet = written.picture("R")
    with pytest.raises(
        pictures.NotACharacter, match="a drawing, another alphabet or characters that touch"
    ):
        handwriting.read(sheet, model, CLASSES, signs=Doubt(0.5))
    seen, predictions = handwriting.read(sheet, model, CLASSES, signs=Doubt(0.49))
    assert np.array_equal(seen, handwriting.prepare(sheet)) and predictions[0][0] == "R"


def test_a_page_with_many_marks_that_are_no_characters_is_said(model, page):
    photograph, count = written.photograph(page[0]), len(page[1])
    few, many = Doubt(*[0.9] * (count // 10)), Doubt(*[0.9] * (count // 10 + 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        handwriting.read_page(photograph, model, CLASSES, signs=few)
    with pytest.warns(UserWarning, match=f"{count // 10 + 1} of {count} look like signs"):
        text, *_ = handwriting.read_page(photograph, model, CLASSES, signs=many)
    assert text.split("\n") == TEXT


def test_shades_on_a_page_are_no_characters(model):
    shade = np.tile(np.linspace(0, 1, 800), (600, 1))
    with pytest.raises(pictures.NoInk):
        handwriting.read_page(shade, model, CLASSES)


def test_a_model_that_takes_a_batch_directly_is_asked_so():
    class Both:
        def predict_on_batch(self, images):
            assert images.shape == (1, 28, 28)
            return [[0.1, 0.9]]

        def predict(self, images, **_):
            raise AssertionError("this is slower for one image")

    assert handwriting.read(written.picture("R"), Both(), ("Q", "R"))[1][0] == ("R", 0.9)


def test_what_is_read_can_be_named():
    class Round:
        def predict(self, images, **_):
            return np.tile([0.5, 0.3, 0.2], (len(images), 1))

    def best(**settings):
        return handwriting.read(written.picture("O"), Round(), ("0", "O", "Q"), **settings)[1][0]

    assert best() == ("0", 0.5)
    assert best(kind="letters") == ("O", pytest.approx(0.6))
    trained = (0.8, 0.1, 0.1)
    assert best(kind=(1, 1, 1), trained=trained) == ("O", pytest.approx(3 / 5.625))
    with pytest.raises(ValueError, match="digits, letters"):
        best(kind="numbers")


SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Blind:
    """Cannot tell characters of one shape apart: 0, O, o; 1, I, l; c and C; others it can."""

    def __init__(self, text):
        self.text = text

    def predict(self, images, **_):
        assert len(images) == len(self.text)
        rows = np.full((len(images), 62), 1e-5)
        for row, sign in zip(rows, self.text, strict=True):
            group = next((some for some in ("0Oo", "1Il", "Cc", "Ss") if sign in some), sign)
            row[[SIGNS.index(one) for one in group]] = np.linspace(0.4, 0.3, len(group))
        return rows / rows.sum(axis=1, keepdims=True)


def test_a_page_is_read_in_words_unless_that_is_switched_off():
    lines = ["Cold soil on hills", "27 small stools", "Ann Bell had 1901"]
    ink, _ = written.page(lines)
    model = Blind("".join("".join(lines).split()))
    photograph = written.photograph(ink, noise=0.01)
    assert handwriting.read_page(photograph, model, SIGNS)[0] == "\n".join(lines)
    alone = handwriting.read_page(photograph, model, SIGNS, words=False)[0]
    assert alone.split("\n")[0] == "C01d S0i1 0n hi11S"
    numbers = handwriting.read_page(photograph, model, SIGNS, kind="digits")[0]
    assert all(sign.isdigit() or sign.isspace() for sign in numbers)


def test_words_of_another_language_can_be_passed(model):
    photograph = written.photograph(written.page(["rat", "tar"])[0])
    few = handwriting.Words({"tar": 1}, {})
    assert handwriting.read_page(photograph, model, CLASSES, words=few)[0] == "rat\ntar"


def test_a_page_with_boxes_around_its_characters_is_read(model):
    sheet = Image.new("L", (1300, 620))
    for row, line in enumerate(TEXT):
        for column, letter in enumerate(line):
            left, top = 60 + 72 * column, 60 + 130 * row
            if letter != " ":
                edge = (left, top, left + 64, top + 76)
                ImageDraw.Draw(sheet).rectangle(edge, outline=255, width=2)
                drawn, drop = written.glyph(letter, 40)
                place = left + (64 - drawn.width) // 2, top + 56 + drop - drawn.height
                sheet.paste(255, place, drawn)
    ink = np.asarray(sheet, np.float32) / 255
    text, found, _ = handwriting.read_page(written.photograph(ink), model, CLASSES)
    assert len(found) == len("".join(TEXT).replace(" ", ""))
    assert text.replace(" ", "").split("\n") == [line.replace(" ", "") for line in TEXT]


def test_handwriting_can_be_imported_without_keras():
    script = "import sys; import helpers.handwriting; sys.exit('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.parametrize("count", [2_000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_thousands_of_odd_pictures_give_an_image_or_a_named_error(count):
    script = Path(__file__).parents[1] / "tools" / "fuzz.py"
    done = subprocess.run(
        [sys.executable, script, str(count)], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert sum(found.values()) >= count
    kinds = {"image", "text", "NotAPicture", "TooSmall", "NoInk", "SeveralCharacters"}
    assert kinds <= set(found)
    assert found["huge: TooLarge"] == 1  # the one of 81 million pixels
