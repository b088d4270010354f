"""Measure the kept networks on hands that none was trained or tuned on: prints three tables.

    measure_hands.py          measures everything, seven minutes of processor time
    measure_hands.py --try    measures a fifth of the images

It trains nothing and writes nothing. COURSE_DATA has to name a folder with EMNIST and with the
photographed characters; the fonts come by `npm ci --prefix notebooks/plans/fonts/held_out`.

Every interval is of 95 % and takes a hand for one observation, as images of one hand are alike. A
hand is a font or a simulated hand. Nobody knows who wrote the photographs and EMNIST's images:
near-duplicates count as one hand there, or each image does, so the true intervals are wider.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from helpers import data, handwriting, statistics
from helpers.archives import photographs
from helpers.archives.sample import CHARACTERS, draw_character
from helpers.handwriting import conversion, ink, pad, pictures, probabilities

import keras
import numpy as np
from PIL import Image, ImageFont
from scipy import ndimage

sys.path.insert(0, str(Path(__file__).parents[1]))
from plans import notebook_16, signs
from plans.common import NOTEBOOKS

FONTS = NOTEBOOKS / "plans" / "fonts" / "held_out"
"""Handwriting fonts that no kept network was trained on, nor on others with the same letters."""

NETWORKS = ("byclass", "byclass_emnist", "balanced", "balanced_emnist")
"""Kept networks, named after their part of EMNIST; the first of each two was shown fonts too."""

TUNING, REPORTED = "photographs, tuning half", "photographs, reported half"
EMNIST = "EMNIST ByClass", "EMNIST Balanced"
ALIKE = "0Oo", "1Il"
COPIES, HANDS = 2, 36  # of each character in each font; simulated hands
PROMISED = 0.05  # of what is read, at most so much is wrong

# --- pictures of characters -------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Hands:
    """Characters by many hands.

    pictures: as `handwriting.prepare` takes them, or images uint8 (n, 28, 28) if prepared.
    labels: int (n,), places in names. hands: int (n,), 0, 1, 2, …: who wrote it.
    """

    pictures: Sequence
    labels: np.ndarray
    hands: np.ndarray
    names: Sequence[str] = tuple(CHARACTERS)
    ready: bool = False


def font_files(folder=FONTS):
    """The fonts that package.json lists."""
    try:
        return notebook_16.font_files(folder)
    except FileNotFoundError as error:
        raise SystemExit(str(error)) from error


def in_fonts(files, copies, seed=0):
    """Each character in each font, as if photographed."""
    rng, made = np.random.default_rng(seed), []
    for file in files:
        font = ImageFont.truetype(file, 40)
        for character in CHARACTERS * copies:
            made.append(photographs.photograph(draw_character(character, font, rng), rng))
    labels = np.tile(np.arange(len(CHARACTERS)), len(files) * copies)
    return Hands(made, labels, np.repeat(np.arange(len(files)), len(CHARACTERS) * copies))


def hand(rng):
    """How a simulated hand writes: a function, strokes → strokes on the pad.

    It has a slant, a width, a height, a tremor and a way to bend letters of its own; the smaller
    it writes, the thicker are its strokes against the letter, as the pad has one pen.
    """
    high = rng.uniform(40, 85)
    wide = high * rng.uniform(0.65, 1.1)
    shear, bend, tremor = rng.normal(0, 0.2), rng.normal(0, 0.08, (2, 3)), rng.uniform(0, 0.05)

    def write(strokes):
        angle, drawn = rng.normal(0, 0.08), []
        for stroke in strokes:
            x, y = stepped(stroke).T
            x, y = np.array([x, y]) + bend @ [x * x - 0.3, x * y, y * y - 0.5]
            shaken = ndimage.gaussian_filter1d(rng.normal(0, 2 * tremor, (2, len(x))), 2, axis=1)
            x, y = np.array([x - shear * y, y]) + shaken + rng.normal(0, 0.03, (2, 1))
            turned = np.stack([x * wide, y * high], axis=1) @ signs.turn_by(angle)
            drawn.append(pad.SIDE / 2 + turned)
        return drawn

    return write


def stepped(stroke, step=0.08):
    """Points along a line at even distances, (n, 2)."""
    way = np.cumsum(np.linalg.norm(np.diff(stroke, axis=0, prepend=stroke[:1]), axis=1))
    at = np.linspace(0, way[-1], max(4, int(way[-1] / step)))
    return np.stack([np.interp(at, way, side) for side in np.asarray(stroke).T], axis=1)


def on_the_pad(count, seed=0):
    """Each form of plans/signs.py by each of some simulated hands, drawn on the pad.

    No network that reads was trained on these forms; signs.keras was, written by other hands.
    """
    rng, made = np.random.default_rng(seed), []
    for _ in range(count):
        write = hand(rng)
        made += [pad.draw(write(strokes)) for strokes in signs.LETTERS.values()]
    labels = [CHARACTERS.index(character) for character in signs.LETTERS]
    return Hands(made, np.tile(labels, count), np.repeat(np.arange(count), len(labels)))


def photographed():
    """Both halves of the photographs: tuning, reported."""
    photos = photographs.load()
    if photos.sample:
        raise SystemExit(
            "expected photographed characters, found COURSE_DATA=sample, which stands for rendered "
            "ones. Let it name a folder with handwriting/handwritten62.zip and emnist/emnist.zip."
        )
    groups = photographs.near_duplicates(photos)
    first = photographs.halves(photos.labels, groups)
    return [
        Hands(part.pictures, part.labels, np.unique(groups[chosen], return_inverse=True)[1])
        for chosen in (first, ~first)
        for part in [photos.part(chosen)]
    ]


def of_emnist(name):
    """The test images of a part of EMNIST."""
    part = data.load(f"emnist/{name}")
    images, labels = part.test.images, part.test.labels
    return Hands(images, labels, np.arange(len(labels)), part.classes, ready=True)


def some(one, every):
    """Every so-manieth of them."""
    chosen = np.arange(0, len(one.labels), every)
    hands = np.unique(one.hands[chosen], return_inverse=True)[1]
    kept = [one.pictures[place] for place in chosen]
    return Hands(
        np.array(kept) if one.ready else kept, one.labels[chosen], hands, one.names, one.ready
    )


# --- ways to prepare them ---------------------------------------------------------------------


def in_size(scan, border, contrast=True):
    """EMNIST's way with another border; 2 is that of `conversion.emnist`, 24 pixels for the ink.

    Without contrast the ink stays as pale as it is.
    """
    soft = ndimage.gaussian_filter(np.pad(scan, 4).astype(np.float32), sigma=1)
    soft = ink.crop(soft, soft > 0.5 / 255)
    missing = [max(soft.shape) - side for side in soft.shape]
    square = np.pad(soft, [(n // 2 + border, n - n // 2 + border) for n in missing])
    small = ink.resize(square, (28, 28), Image.Resampling.BICUBIC)
    return np.round(255 * np.clip(small / (small.max() if contrast else 1), 0, 1)).astype(np.uint8)


def upright(scan):
    """A scan sheared until its ink leans to neither side."""
    y, x = (axis - np.average(axis, weights=scan) for axis in np.indices(scan.shape))
    lean = np.average(x * y, weights=scan) / np.average(y * y, weights=scan)
    wide = int(abs(lean) * scan.shape[0] / 2) + 1
    padded, middle = np.pad(scan, ((0, 0), (wide, wide))), scan.shape[0] / 2
    return ndimage.affine_transform(padded, [[1, 0], [lean, 1]], (0, -lean * middle), order=1)


def pale(density, mask, even=True):
    """A character's density as it is, in place of `ink.scan`, which makes it black and white."""
    cut = np.maximum(ink.crop(ink.isolated(density, mask), mask), 0)
    return ink.scaled(cut, ink.LONG / max(cut.shape))


@dataclass(frozen=True)
class Way:
    """A way to prepare pictures: scan → 28 × 28, the steps, and how a scan comes about."""

    convert: Callable = conversion.emnist
    steps: Sequence[str] = handwriting.STEPS
    scan: Callable = ink.scan


def without(step):
    """All steps but one."""
    return Way(steps=tuple(other for other in handwriting.STEPS if other != step))


KEPT = Way()
CHANGES = {
    "all steps instead of invert and squash": (Way(steps=("invert",)), KEPT),
    "contrast: black and white": (Way(lambda scan: in_size(scan, 2, False), scan=pale), KEPT),
    "ruling taken away": (without("ruling"), KEPT),
    "specks taken away": (without("specks"), KEPT),
    "strokes of usual width": (without("stroke"), KEPT),
    "EMNIST's way instead of MNIST's": (Way(conversion.mnist), KEPT),
    "22 pixels instead of 24 (not used)": (KEPT, Way(lambda scan: in_size(scan, 6))),
    "slant taken away (not used)": (KEPT, Way(lambda scan: conversion.emnist(upright(scan)))),
}
"""Single changes in preparation: what → the ways without it and with it."""


def prepared(one, way=KEPT):
    """uint8 (n, 28, 28); what cannot be prepared stays black, and so counts as wrong."""
    if one.ready:
        return one.pictures
    images = np.zeros((len(one.pictures), 28, 28), np.uint8)
    tried = mock.patch.dict(conversion.STYLES, tried=way.convert)
    with tried, mock.patch.object(ink, "scan", way.scan):
        for place, picture in enumerate(one.pictures):
            with suppress(pictures.Unreadable):
                images[place] = handwriting.prepare(picture, "tried", way.steps)
    return images


# --- right or wrong ---------------------------------------------------------------------------


def same(true, read, alike=()):
    """Which readings count as right, bool (true, read): 15 letters in either case, and look-alikes.

    true, read: names such as "c" or "Cc". alike: characters that count as one, such as "0Oo".
    """
    true_shapes, read_shapes = (
        np.array([name[0].upper() if name[0].upper() in data.MERGED else name for name in names])
        for names in (true, read)
    )
    right = true_shapes[:, None] == read_shapes
    for group in alike:
        of_true, of_read = ([bool({*name} & {*group}) for name in names] for names in (true, read))
        right |= np.logical_and.outer(of_true, of_read)
    return right


def by_hand(values, hands):
    """One number a hand; their mean is that of the values, their spread that of a mean of hands.

    Source: the linearised ratio of Cochran, Sampling Techniques, 1977, chapter 9A.
    """
    counts, mean = np.bincount(hands), values.mean()
    return mean + (np.bincount(hands, values) - counts * mean) / counts.mean()


def share(values, hands):
    """A share and its interval, in per cent."""
    low, high = np.clip(statistics.mean_interval(by_hand(values, hands)), 0, 1)
    return f"{100 * values.mean():.1f} ({100 * low:.1f} … {100 * high:.1f})"


def change(before, after, hands):
    """Two shares of the same images, in per cent, and their difference with its interval."""
    found = statistics.paired_interval(by_hand(after, hands), by_hand(before, hands))
    shares = f"{100 * before.mean():.1f} → {100 * after.mean():.1f}"
    points = (f"{100 * value:+.1f}" for value in (found.difference, *found.interval))
    return "{}: {} ({} … {})".format(shares, *points).replace("-", "−")


class Judge:
    """All hands, and what the networks say of them, each looked at once."""

    def __init__(self, sets):
        folder = NOTEBOOKS / "networks"
        names = (*NETWORKS, "signs")
        self.networks = {name: keras.saving.load_model(folder / f"{name}.keras") for name in names}
        self.networks["byclass once"] = self.networks["byclass"].get_layer("digit_cnn")
        self.sets, self.known = sets, {}

    def images(self, name, way=KEPT):
        """A set's images, uint8 (n, 28, 28)."""
        if (name, way) not in self.known:
            self.known[name, way] = prepared(self.sets[name], way)
        return self.known[name, way]

    def said(self, name, network="byclass", way=KEPT):
        """What a network says of a set of hands, (n, k)."""
        key = name, way, network
        if key not in self.known:
            images = self.images(name, way)
            self.known[key] = self.networks[network].predict(images, batch_size=1024, verbose=0)
        return self.known[key]

    def right(self, name, network="byclass", way=KEPT, alike=(), kind=("all",)):
        """Which of a set's images are read right, bool (n,)."""
        classes, one = classes_of(network), self.sets[name]
        likely = probabilities.of_kind(self.said(name, network, way), classes, *kind)
        return same(one.names, classes, alike)[one.labels, likely.argmax(axis=1)]

    def refused(self, name):
        """Which images `signs` takes for no character, bool (n,)."""
        return self.said(name, "signs")[:, 0] >= 0.5

    def fits(self, name, network):
        """Whether a network may be judged on a set: not on another part of EMNIST than its own."""
        return not self.sets[name].ready or part_of(network) in name


def part_of(network):
    """The part of EMNIST whose classes a network has."""
    return "Balanced" if network.startswith("balanced") else "ByClass"


def classes_of(network):
    """The classes of a network."""
    return data.CLASSES[f"emnist/{part_of(network).lower()}"]


# --- the tables -------------------------------------------------------------------------------


def table(*names):
    """Print the head of a table: text, then numbers."""
    print()
    line(*names)
    print("|---" + "|--:" * (len(names) - 1) + "|")


def line(*cells):
    """Print a line of a table at once; the next may take a minute."""
    print("|", " | ".join(cells), "|", flush=True)


def networks_table(judge):
    """How well each network reads each set, and how much `signs` takes for no character."""
    counted = "images", "hands", "unreadable"
    table("set", *counted, "network", "merged", "0/O, 1/I/l as one", "refused")
    for name, one in judge.sets.items():
        unreadable = np.count_nonzero(~judge.images(name).any(axis=(1, 2)))
        counts = [f"{count:,}" for count in (len(one.labels), one.hands.max() + 1, unreadable)]
        for network in NETWORKS:
            if judge.fits(name, network):
                found = [judge.right(name, network, alike=alike) for alike in ((), ALIKE)]
                found.append(judge.refused(name))
                line(name, *counts, network, *(share(values, one.hands) for values in found))


def changes(judge, name):
    """Single changes on a set: what → images read right without it and with it."""
    one, found = judge.sets[name], {}

    def put(text, before, after, chosen=slice(None)):
        hands = np.unique(one.hands[chosen], return_inverse=True)[1]
        found[text] = change(before[chosen], after[chosen], hands)

    if not one.ready:
        for text, (before, after) in CHANGES.items():
            put(text, judge.right(name, way=before), judge.right(name, way=after))
    if judge.fits(name, "byclass"):
        right, digits = judge.right(name), one.labels < 10
        put("five looks instead of one", judge.right(name, "byclass once"), right)
        put("fonts among the training images, byclass", judge.right(name, "byclass_emnist"), right)
        even = np.full(len(CHARACTERS), 1 / len(CHARACTERS)), probabilities.expected(CHARACTERS)
        put("even shares (not used)", right, judge.right(name, kind=even))
        for kind, chosen in (("digits", digits), ("letters", ~digits)):
            put(f"{kind}: kind={kind!r}", right, judge.right(name, kind=(kind,)), chosen)
        put("refused by signs, and so wrong", right, right & ~judge.refused(name))
    if judge.fits(name, "balanced"):
        pair = (judge.right(name, network) for network in ("balanced_emnist", "balanced"))
        put("fonts among the training images, balanced", *pair)
    return found


def changes_table(judge):
    """What single changes are worth: images read right, merged, before and after."""
    found = {name: changes(judge, name) for name in judge.sets if name != TUNING}
    emnist = {text: cell for name in EMNIST for text, cell in found.pop(name).items()}
    columns = found | {"EMNIST": emnist}
    table("change", *columns)
    for text in dict.fromkeys(text for column in columns.values() for text in column):
        line(text, *(column.get(text, "") for column in columns.values()))


def refusing_table(judge):
    """What a limit on the merged probability keeps of its promise; look-alikes count as right."""
    alike = probabilities.merged(np.eye(len(CHARACTERS)), CHARACTERS) > 0
    chosen_on = judge.said(TUNING), judge.sets[TUNING].labels, CHARACTERS, PROMISED
    limit = probabilities.limit(*chosen_on).limit
    print(f"\nread is what has a merged probability of {limit:.2f} or more, by byclass, so that at")
    print(f"most {PROMISED:.0%} of it are wrong; chosen on: {TUNING}")
    table("set", "read", "wrong of these", "wrong of all: own → merged probability, as many read")
    for name, one in judge.sets.items():
        if judge.fits(name, "byclass"):
            likely = judge.said(name)
            merged = probabilities.merged(likely, CHARACTERS)
            read = merged.max(axis=1) >= limit
            wrong = ~alike[merged.argmax(axis=1), one.labels]
            own = np.argsort(-likely.max(axis=1), kind="stable")[: read.sum()]
            wrong_own = np.zeros(len(read), bool)
            wrong_own[own] = ~alike[likely.argmax(axis=1), one.labels][own]
            hands = np.unique(one.hands[read], return_inverse=True)[1]
            cells = share(read, one.hands), share(wrong[read], hands)
            line(name, *cells, change(wrong_own, wrong & read, one.hands))


def main(words=None):
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--try", action="store_true", dest="little", help="few of each kind")
    little = parser.parse_args(words).little
    files = font_files()
    try:
        tuning, reported = photographed()
        emnist = {name: of_emnist(name.split()[1].lower()) for name in EMNIST}
    except data.DataUnavailable as error:
        raise SystemExit(str(error)) from error
    fonts, drawn = in_fonts(files, COPIES), on_the_pad(HANDS)
    sets = {TUNING: tuning, REPORTED: reported, "fonts": fonts, "drawn on the pad": drawn} | emnist
    judge = Judge({name: some(one, 5) if little else one for name, one in sets.items()})
    networks_table(judge)
    changes_table(judge)
    refusing_table(judge)


if __name__ == "__main__":
    main()
