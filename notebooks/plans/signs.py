"""The network that tells signs, drawings and other alphabets from the 62 characters: signs.keras.

Its images are made here: signs and letters of other alphabets in handwriting fonts, drawings by a
simulated hand, two or three characters that touch; characters are EMNIST's, those in the same
fonts, some by the same hand. To make it again:

    npm ci --prefix notebooks/plans/fonts
    COURSE_DATA=… PYTHONPATH=.:notebooks python -m plans.signs

With `--held-out` it leaves some fonts, alphabets and drawings out, prints what share of them the
network refuses, and saves nothing.
"""

import argparse
from pathlib import Path

from helpers import data, handwriting
from helpers.archives.sample import CHARACTERS, draw_character
from helpers.handwriting import pad, pictures
from helpers.recipes import fonts
from plans.common import NOTEBOOKS
from plans.notebook_16 import LATIN, Fonts

import keras
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps
from scipy import ndimage
from scipy.interpolate import CubicSpline

FONTS = Fonts.folder / "node_modules" / "@fontsource"
NETWORK = NOTEBOOKS / "networks" / "signs.keras"
EPOCHS = 10
PER_CLASS = 900  # images of EMNIST ByClass
DRAWINGS = 500  # of each shape
COPIES = 4  # of each sign in each font
TOUCHING = 6000  # pictures of two or three characters that touch, of EMNIST, and as many in fonts

# fmt: off
SIGNS = {  # without those that one may take for a character, such as ß, / or the Greek α
    "signs": "?&@#$%€£§=*~{}<>^!©®¶†½",
    "symbols": "→←↑↓↔☺☹☻☼♀♂♠♣♥♦♪♫✓✔✗★☆✂✈☎☂⚡✿∞√∑≈≠≤≥∇⊕☾☀☁♞♛⌂✎❄❤",
    "Cyrillic": "ДЖИЙФЦЩЪЫЭЮЯБЛжфщюяэъыйц",
    "Greek": "ΔΞΠΣΦΨΩζλξπφψ",
    "Hebrew": "אבגדזחטכלמנעפצקרשת",
    "Arabic": "بتثجحخدذسشصضطظعغفقكملنهي",
    "Armenian": "ԱԲԳԴԷԸԹԺԻԽԾԿՁՃՄՆՇՉՋՎՖ",
    "Georgian": "აბგდევზთიკლმნჟრსტუფქღყშჩცძწჭხჯჰ",
    "Thai": "กขคฆฉชซฌญฎฏฐฑฒณดตถทธนบผฝพฟภมยลศษสหฬฮ",
    "Devanagari": "कखगघङचछजझञटठडढणतथदधनपफबभमयरलवशषसह",
    "Malayalam": "കഖഗഘങചഛജഝഞടഡഢണതഥദധനപഫബഭമയരലവശഷസഹളഴറ",
}
# fmt: on
TTF = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
STYLES = "DejaVuSans", "DejaVuSans-Oblique", "DejaVuSerif", "DejaVuSerif-Italic"
WIDE = [TTF / f"{name}.ttf" for name in STYLES]
"""Fonts with many alphabets; those of handwriting have few."""

HELD_OUT = ("Thai", "Hebrew", "face", "house", "sun")

LOW, HANGING = "acemnorsuvwxz", "gpqy"
"""Letters as high as an x, and those that reach as far below the line."""

ALIKE = {"cl", "ol", "al", "lo", "Io", "IO", "lO", "li", "ii", "ci", "cj", "oj", "lJ", "IJ", "jj"}
ALIKE |= {"nn", "rn", "rr", "vv", "VV", "uu", "ll", "II", "11", "l3", "I3"}
"""What can be a character where it touches, such as d, b, m or w."""

# --- drawings: strokes, arrays (n, 2) between -1 and 1, y downwards ---------------------------


def line(*points):
    """Straight from point to point."""
    return np.array(points, float)


def bend(*points):
    """A smooth line through points."""
    through = CubicSpline(np.arange(len(points)), np.array(points, float))
    return through(np.linspace(0, len(points) - 1, 15 * len(points)))


def ring(x, y, wide, high=None):
    """An ellipse around a point, its ends a little past each other."""
    turn = np.linspace(0, 2.1 * np.pi, 40)
    return np.stack([x + wide * np.cos(turn), y + (high or wide) * np.sin(turn)], axis=1)


def around(angle, far):
    """Points at angles, so far from the middle."""
    return np.stack([far * np.cos(angle), far * np.sin(angle)], axis=1)


def turn_by(angle):
    """What turns points, rows (x, y), by an angle: their product with it."""
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def ray(angle, start=0.0, end=1.0):
    """A line away from the middle."""
    towards = np.array([np.cos(angle), np.sin(angle)])
    return line(start * towards, end * towards)


def face(rng):
    mouth = rng.choice([-0.35, 0.25, 0.4])
    eyes = [ring(x, -0.3, rng.uniform(0.05, 0.12)) for x in (-0.35, 0.35)]
    nose = [line((0, -0.1), (0, 0.12))] if rng.random() < 0.3 else []
    return [ring(0, 0, 1), *eyes, *nose, bend((-0.5, 0.35), (0, 0.35 + mouth), (0.5, 0.35))]


def heart(rng):
    t = np.linspace(0, 2 * np.pi, 60)
    wave = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return [np.stack([np.sin(t) ** 3, -wave / 16], axis=1)]


def star(rng):
    corners = -np.pi / 2 + np.arange(6) * 4 * np.pi / 5
    return [around(corners, 1)]


def asterisk(rng):
    return [line(*(side * ray(turn)[1] for side in (-1, 1))) for turn in (0, 1, 2)]


def house(rng):
    walls = line((-1, 1), (-1, -0.1), (0, -1), (1, -0.1), (1, 1), (-1, 1))
    door = line((-0.2, 1), (-0.2, 0.4), (0.2, 0.4), (0.2, 1))
    return [walls, door][: rng.integers(1, 3)] + [line((-1, -0.1), (1, -0.1))][: rng.integers(2)]


def spiral(rng):
    turn = np.linspace(0, 2 * np.pi * rng.uniform(2, 3.5), 120)
    return [around(turn, turn / turn[-1])]


def scribble(rng):
    return [bend(*rng.uniform(-1, 1, (rng.integers(9, 16), 2)))]


def tangle(rng):
    return [line(*rng.uniform(-1, 1, (rng.integers(12, 25), 2)))]


def arrow(rng):
    head, angle = rng.uniform(0.25, 0.5), rng.uniform(0, 2 * np.pi)
    tip = line((1 - head, -head), (1, 0), (1 - head, head))
    return [stroke @ turn_by(angle) for stroke in (line((-1, 0), (1, 0)), tip)]


def zigzag(rng):
    x = np.linspace(-1, 1, 2 * rng.integers(5, 9))
    points = np.stack([x, np.where(np.arange(len(x)) % 2, 0.35, -0.35)], axis=1)
    return [points[:, :: rng.choice([1, -1])]]


def sun(rng):
    rays = 2 * np.pi * np.arange(count := rng.integers(7, 12)) / count
    return [ring(0, 0, 0.45), *(ray(angle, 0.6) for angle in rays)]


def flower(rng):
    turn = np.linspace(0, 2 * np.pi, 150)
    far = 0.65 + 0.35 * np.cos(rng.integers(5, 8) * turn)
    return [around(turn, far), ring(0, 0, 0.2)]


def crossed_box(rng):
    box = line((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))
    return [box, line((-1, -1), (1, 1)), line((-1, 1), (1, -1))][: rng.integers(2, 4)]


def crossed_ring(rng):
    start = rng.uniform(0, np.pi / 2)
    across = (ray(turn)[1] for turn in (start, start + np.pi / 2))
    return [ring(0, 0, 1), *(line(end, -end) for end in across)]


def lightning(rng):
    return [
        line((0.3, -1), (-0.5, 0.15), (0.1, 0.1), (-0.3, 1), (0.6, -0.25), (0, -0.2), (0.3, -1))
    ]


def person(rng):
    legs, arms = line((-0.5, 1), (0, 0.3), (0.5, 1)), line((-0.55, -0.2), (0.55, -0.2))
    return [ring(0, -0.72, 0.25), line((0, -0.45), (0, 0.3)), legs, arms]


def tree(rng):
    crown = line((-0.6, 0.6), (0, -0.2), (0.6, 0.6), (-0.6, 0.6))
    return [line((0, 1), (0, 0.6)), crown, line((-0.45, 0.1), (0, -1), (0.45, 0.1))]


def grid(rng):
    at = np.linspace(-0.8, 0.8, rng.integers(2, 4))
    return [line((-1, y), (1, y)) for y in at] + [line((x, -1), (x, 1)) for x in at]


def eye(rng):
    lids = (bend((-1, 0), (0, side), (1, 0)) for side in (-0.55, 0.55))
    return [*lids, ring(0, 0, 0.28)]


def note(rng):
    stem = line((-0.27, 0.75), (-0.27, -0.8), (0.78, -1), (0.78, 0.6))
    return [ring(-0.5, 0.75, 0.25, 0.2), ring(0.55, 0.6, 0.25, 0.2), stem]


def fish(rng):
    body = bend((1, 0.45), (0, -0.5), (-1, 0), (0, 0.5), (1, -0.45))
    return [body, line((1, -0.45), (1, 0.45)), ring(-0.6, -0.05, 0.05)]


SHAPES = {
    shape.__name__: shape
    for shape in (
        *(face, heart, star, asterisk, house, spiral, scribble, tangle, arrow, zigzag, sun, flower),
        *(crossed_box, crossed_ring, lightning, person, tree, grid, eye, note, fish),
    )
}


# fmt: off
LETTERS = {  # the same hand draws characters too, or the network would tell hands from fonts
    "0": [ring(0, 0, 0.6, 1)], "O": [ring(0, 0, 0.9, 1)], "o": [ring(0, 0, 0.9, 0.9)],
    "1": [line((-0.4, -0.5), (0, -1), (0, 1))], "I": [line((0, -1), (0, 1))],
    "l": [bend((0, -1), (0, 0.6), (0.25, 1))],
    "2": [bend((-0.5, -0.6), (0, -1), (0.5, -0.5), (-0.5, 1)), line((-0.5, 1), (0.6, 1))],
    "3": [bend((-0.5, -0.8), (0.3, -0.9), (0.3, -0.3), (-0.1, 0)),
          bend((-0.1, 0), (0.5, 0.4), (0.2, 1), (-0.5, 0.8))],
    "4": [line((0.2, -1), (-0.6, 0.3), (0.6, 0.3)), line((0.25, -0.2), (0.25, 1))],
    "5": [line((0.5, -1), (-0.4, -1), (-0.45, -0.1)),
          bend((-0.45, -0.1), (0.3, -0.2), (0.5, 0.4), (0.1, 1), (-0.5, 0.8))],
    "6": [bend((0.4, -1), (-0.4, -0.1), (-0.4, 0.7), (0.1, 1), (0.5, 0.5), (0.1, 0.1), (-0.4, 0.4)),
          ],
    "7": [line((-0.5, -1), (0.5, -1), (-0.1, 1))],
    "8": [bend((0.4, -0.7), (0, -1), (-0.4, -0.6), (0.4, 0.4), (0, 1), (-0.4, 0.4), (0.4, -0.7))],
    "9": [ring(0, -0.5, 0.4, 0.45), bend((0.4, -0.5), (0.35, 0.3), (0.1, 1))],
    "A": [line((-0.7, 1), (0, -1), (0.7, 1)), line((-0.4, 0.2), (0.4, 0.2))],
    "B": [line((-0.5, -1), (-0.5, 1)), bend((-0.5, -1), (0.4, -0.6), (-0.5, -0.1)),
          bend((-0.5, -0.1), (0.5, 0.5), (-0.5, 1))],
    "C": [bend((0.6, -0.6), (0, -1), (-0.6, 0), (0, 1), (0.6, 0.6))],
    "D": [line((-0.5, -1), (-0.5, 1)), bend((-0.5, -1), (0.4, -0.6), (0.4, 0.6), (-0.5, 1))],
    "E": [line((0.5, -1), (-0.5, -1), (-0.5, 1), (0.5, 1)), line((-0.5, 0), (0.3, 0))],
    "F": [line((0.5, -1), (-0.5, -1), (-0.5, 1)), line((-0.5, 0), (0.3, 0))],
    "G": [bend((0.6, -0.6), (0, -1), (-0.6, 0), (0, 1), (0.6, 0.4)), line((0.1, 0.3), (0.6, 0.3))],
    "H": [line((-0.5, -1), (-0.5, 1)), line((0.5, -1), (0.5, 1)), line((-0.5, 0), (0.5, 0))],
    "J": [bend((0.3, -1), (0.3, 0.6), (-0.1, 1), (-0.5, 0.6))],
    "K": [line((-0.5, -1), (-0.5, 1)), line((0.5, -1), (-0.5, 0.1), (0.5, 1))],
    "L": [line((-0.4, -1), (-0.4, 1), (0.5, 1))],
    "M": [line((-0.8, 1), (-0.6, -1), (0, 0.4), (0.6, -1), (0.8, 1))],
    "N": [line((-0.5, 1), (-0.5, -1), (0.5, 1), (0.5, -1))],
    "P": [line((-0.4, -1), (-0.4, 1)), bend((-0.4, -1), (0.5, -0.7), (0.3, -0.1), (-0.4, 0))],
    "Q": [ring(0, 0, 0.8, 1), line((0.2, 0.4), (0.9, 1.1))],
    "R": [line((-0.5, -1), (-0.5, 1)), bend((-0.5, -1), (0.5, -0.6), (-0.5, 0)),
          line((-0.3, 0), (0.5, 1))],
    "S": [bend((0.5, -0.7), (0, -1), (-0.4, -0.6), (0.4, 0.4), (0, 1), (-0.5, 0.7))],
    "T": [line((-0.7, -1), (0.7, -1)), line((0, -1), (0, 1))],
    "U": [bend((-0.5, -1), (-0.5, 0.4), (0, 1), (0.5, 0.4), (0.5, -1))],
    "V": [line((-0.6, -1), (0, 1), (0.6, -1))],
    "W": [line((-0.9, -1), (-0.45, 1), (0, -0.5), (0.45, 1), (0.9, -1))],
    "X": [line((-0.6, -1), (0.6, 1)), line((0.6, -1), (-0.6, 1))],
    "Y": [line((-0.6, -1), (0, 0)), line((0.6, -1), (0, 0), (0, 1))],
    "Z": [line((-0.6, -1), (0.6, -1), (-0.6, 1), (0.6, 1))],
    "a": [ring(-0.1, 0.3, 0.5, 0.6), line((0.45, -0.3), (0.45, 0.9))],
    "b": [line((-0.5, -1), (-0.5, 1)), ring(0, 0.5, 0.5)],
    "d": [ring(0, 0.5, 0.5), line((0.5, -1), (0.5, 1))],
    "e": [bend((-0.5, 0.1), (0.5, 0), (0, -0.6), (-0.5, 0.2), (0, 0.8), (0.5, 0.6))],
    "f": [bend((0.4, -0.8), (0.1, -1), (-0.1, -0.4), (-0.1, 1)), line((-0.5, -0.1), (0.3, -0.1))],
    "g": [ring(0, -0.4, 0.5), bend((0.5, -0.8), (0.5, 0.4), (0.1, 1), (-0.5, 0.7))],
    "h": [line((-0.4, -1), (-0.4, 1)), bend((-0.4, 0.3), (0.1, -0.1), (0.4, 0.3), (0.4, 1))],
    "i": [line((0, -0.4), (0, 1)), ring(0, -0.9, 0.05)],
    "j": [bend((0.2, -0.4), (0.2, 0.7), (-0.1, 1), (-0.5, 0.7)), ring(0.2, -0.9, 0.05)],
    "m": [line((-0.8, -0.5), (-0.8, 0.7)), bend((-0.8, 0), (-0.4, -0.5), (0, 0), (0, 0.7)),
          bend((0, 0), (0.4, -0.5), (0.8, 0), (0.8, 0.7))],
    "n": [line((-0.5, -0.6), (-0.5, 0.8)), bend((-0.5, 0), (0, -0.6), (0.5, 0), (0.5, 0.8))],
    "q": [ring(0, -0.4, 0.5), line((0.5, -0.9), (0.5, 1))],
    "r": [line((-0.3, -0.6), (-0.3, 0.8)), bend((-0.3, 0), (0, -0.5), (0.5, -0.5))],
    "t": [bend((0, -1), (0, 0.7), (0.2, 1), (0.5, 0.8)), line((-0.4, -0.4), (0.4, -0.4))],
    "u": [bend((-0.5, -0.6), (-0.5, 0.4), (0, 0.8), (0.5, 0.3)), line((0.5, -0.6), (0.5, 0.8))],
    "y": [line((-0.5, -0.8), (0, 0.1)), line((0.5, -0.8), (-0.4, 1))],
}
# fmt: on


def by_hand(strokes, rng):
    """A picture of strokes as a trembling hand draws them on the pad, turned and slanted."""
    angle, size = rng.normal(0, 0.15), rng.uniform(45, 100, 2)
    slanted = np.array([[1, rng.normal(0, 0.12)], [0, 1]])
    drawn = []
    for stroke in strokes:
        way = np.cumsum(np.linalg.norm(np.diff(stroke, axis=0, prepend=stroke[:1]), axis=1))
        steps = np.linspace(0, way[-1], max(6, int(14 * way[-1])))
        points = np.stack([np.interp(steps, way, side) for side in stroke.T], axis=1)
        tremble = [np.convolve(rng.normal(0, 0.03, len(points) + 6), np.ones(7) / 4, "valid")
                   for _ in range(2)]  # fmt: skip
        moved = points + np.transpose(tremble) + rng.normal(0, 0.03, 2)
        drawn.append(pad.SIDE / 2 + moved @ slanted @ turn_by(angle) * size)
    return pad.draw(drawn)


# --- images -----------------------------------------------------------------------------------


def has(font, sign):
    """Whether a font draws a sign, not the box that stands for those it has not."""
    drawn = bytes(font.getmask(sign))
    return bool(drawn) and drawn != bytes(font.getmask("\ue000"))


def in_fonts(rng):
    """Signs and other alphabets in fonts: (name of the kind, of the font, picture)."""
    files = sorted(FONTS.glob("*/files/*-400-normal.woff"))
    if not files:
        raise SystemExit(
            f"expected fonts in {FONTS}, found none: npm ci --prefix {FONTS.parents[1]}"
        )
    for file in [*files, *WIDE]:
        font = ImageFont.truetype(file, fonts.SIZE)
        for kind, signs in SIGNS.items():
            if kind == "signs" and file in WIDE:
                continue  # notebook 21 tries the network on these
            for sign in signs * COPIES:
                if has(font, sign):
                    ink = draw_character(sign, font, rng)
                    paper = ImageOps.invert(ImageOps.expand(ink, max(ink.size) // 3))
                    yield kind, file.stem if file in WIDE else file.parents[1].name, paper


def drawings(rng):
    """Drawings by a simulated hand: (name of the shape, "pad", picture)."""
    for name, shape in SHAPES.items():
        for _ in range(DRAWINGS):
            yield name, "pad", by_hand(shape(rng), rng)


def touching(inks, rng):
    """Arrays of ink, 0 … 1, on lines of one height, moved together until they touch: one array."""
    line = inks[0]
    for ink in inks[1:]:
        left, wide = line.shape[1], ink.shape[1]
        both, stroke = np.pad(line, ((0, 0), (0, wide))), ink > 0.5
        near = ndimage.binary_dilation(both > 0.5, np.ones((3, 3)))
        while left > line.shape[1] // 3 and not (near[:, left : left + wide] & stroke).any():
            left -= 1
        left = max(0, left - rng.integers(0, 3))
        place = both[:, left : left + wide]
        np.maximum(place, ink, out=place)
        line = both[:, : max(line.shape[1], left + wide)]
    return line


def some_characters(rng):
    """Two or three characters that touch in few hands without looking like another."""
    while True:
        text = "".join(rng.choice(list(CHARACTERS), rng.choice([2, 2, 3])))
        if text not in ALIKE:
            return text


def cropped(line, rng):
    """A picture of ink, 0 … 1, slanted and turned, dark on light, cut close."""
    picture = Image.fromarray((255 * line).astype(np.uint8))
    wide, high = (4 * side for side in picture.size)
    large = ImageOps.expand(picture.resize((wide, high), Image.BICUBIC), max(wide, high) // 3)
    shear, angle = rng.uniform(-0.2, 0.2), rng.uniform(-6, 6)
    moved = large.transform(large.size, Image.AFFINE, (1, shear, -shear * high / 2, 0, 1, 0))
    ink = moved.rotate(angle, Image.BILINEAR)
    ink = ink.crop(ink.getbbox())
    return ImageOps.invert(ImageOps.expand(ink, int(max(ink.size) * rng.uniform(0.02, 0.3))))


def touching_emnist(rng):
    """Characters of EMNIST ByClass that touch, as large on the line as they are written."""
    split = data.load("emnist/byclass").train
    of = [np.flatnonzero(split.labels == label) for label in range(len(CHARACTERS))]
    for _ in range(TOUCHING):
        inks = []
        for character in some_characters(rng):
            image = split.images[rng.choice(of[CHARACTERS.index(character)])]
            rows, columns = (np.flatnonzero((image > 100).any(axis=axis)) for axis in (1, 0))
            image = Image.fromarray(image).crop(
                (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
            )
            size = (0.65 if character in LOW else 1) * rng.uniform(0.9, 1.1) * 24 / image.height
            image = image.resize([max(2, round(side * size)) for side in image.size], Image.BICUBIC)
            below = rng.integers(-1, 2) + (8 if character in HANGING else 0)
            ink = np.zeros((44, image.width))
            ink[34 + below - image.height : 34 + below] = np.asarray(image) / 255
            inks.append(ink)
        yield "touching", "EMNIST", cropped(touching(inks, rng), rng)


def touching_fonts(rng, files=None):
    """Characters that touch, in these fonts: else in those of handwriting."""
    files = files or sorted(FONTS.glob(f"*/files/*{LATIN}"))
    for number in range(TOUCHING):
        file = files[number % len(files)]
        font = ImageFont.truetype(file, fonts.SIZE)
        inks, thick = [], int(rng.integers(0, 3))
        for character in some_characters(rng):
            sheet = Image.new("L", (120, 100))
            ImageDraw.Draw(sheet).text(
                (30, 60), character, 255, font, anchor="ls", stroke_width=thick
            )
            left, _, right, _ = sheet.getbbox() or (0, 0, 1, 1)
            inks.append(np.asarray(sheet)[:, left:right] / 255)
        yield "touching", file.parents[1].name, cropped(touching(inks, rng), rng)


def prepared(made):
    """What can be prepared: (kind, source, uint8 (28, 28)), as arrays."""
    found = []
    for kind, source, picture in made:
        try:
            found.append((kind, source, handwriting.prepare(picture)))
        except pictures.Unreadable:
            continue
    return [np.array(column) for column in zip(*found, strict=True)]


def characters(seed):
    """Images of the 62 characters from all sources that signs come from, and EMNIST ByClass."""
    split = data.load("emnist/byclass").train
    rng = np.random.default_rng(seed)
    some = [
        rng.permutation(np.flatnonzero(split.labels == label))[:PER_CLASS]
        for label in range(len(CHARACTERS))
    ]
    written = Fonts("emnist/byclass", copies=4)(split[np.concatenate(some)], None)
    printed = fonts.render(WIDE, CHARACTERS, COPIES * 4, seed)
    drawn = (
        (name, "pad", by_hand(strokes, rng))
        for name, strokes in LETTERS.items()
        for _ in range(150)
    )
    return np.concatenate([written.images, printed.images, prepared(drawn)[2]])


# --- the network ------------------------------------------------------------------------------


def network():
    """Three convolutions, small enough to look at every image beside another network."""
    layers = keras.layers
    middle = []
    for filters in (16, 32, 64):
        middle += [layers.Conv2D(filters, 3, padding="same", use_bias=False)]
        middle += [layers.BatchNormalization(), layers.ReLU(), layers.MaxPooling2D()]
    return keras.Sequential(
        [
            *(keras.Input((28, 28)), layers.Rescaling(1 / 255), layers.Reshape((28, 28, 1))),
            layers.RandomRotation(0.03, fill_mode="constant"),
            layers.RandomZoom(0.08, fill_mode="constant"),
            *middle,
            *(layers.Flatten(), layers.Dropout(0.3), layers.Dense(64, activation="relu")),
            layers.Dense(1, activation="sigmoid"),
        ],
        name="signs",
    )


def trained(signs, others, seed, batch_size=128):
    """A network that gives the probability that an image is no character."""
    keras.utils.set_random_seed(seed)
    images = np.concatenate([others, signs])
    is_sign = np.repeat([0.0, 1.0], [len(others), len(signs)])
    order = np.random.default_rng(seed).permutation(len(images))
    model = network()
    steps = EPOCHS * -(-len(images) // batch_size)
    rate = keras.optimizers.schedules.CosineDecay(0.002, steps)
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", metrics=["accuracy"])
    cost = {0: 3.5, 1: 1.0}  # of a character refused, of a sign read
    options = {"batch_size": batch_size, "epochs": EPOCHS, "class_weight": cost, "verbose": 2}
    model.fit(images[order], is_sign[order], **options)
    return model


def main(words=None, seed=0):
    """Train the network and save it, or judge one like it on what was held out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--held-out", action="store_true")
    given = parser.parse_args(words)
    rng = np.random.default_rng(seed)
    makers = (in_fonts, drawings, touching_emnist, touching_fonts)
    kinds, sources, images = prepared(item for made in makers for item in made(rng))
    new = np.isin(kinds, HELD_OUT) | np.isin(sources, sorted({*sources} - {"pad"})[::6])
    if not given.held_out:
        model = trained(images, characters(seed), seed)
        bare = keras.Sequential([keras.Input((28, 28)), *model.layers], name=model.name)
        bare.save(NETWORK)
        return
    model = trained(images[~new], characters(seed), seed)
    refused = model.predict(images[new], batch_size=1024, verbose=0)[:, 0] >= 0.5
    print(f"of {len(refused):,} signs held out {refused.mean():.1%} are refused")
    for kind in sorted(set(kinds[new])):
        chosen = kinds[new] == kind
        print(f"{kind:<12} {chosen.sum():>5,} {refused[chosen].mean():.0%}")


if __name__ == "__main__":
    main()
