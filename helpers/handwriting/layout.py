"""Which marks on a page make one character, which characters one word, which words one line."""

from dataclasses import dataclass

from helpers.handwriting import ink
from helpers.handwriting.pictures import NoInk, SeveralCharacters

import numpy as np
from scipy import ndimage

MOST = 5_000
"""A page has at most so many marks; more are a texture, or a page that is not handwriting."""

SKEW = 8
"""A page may be turned by so many degrees in either direction."""


@dataclass(frozen=True, eq=False)
class Character:
    """One character of a page: where it is, which marks belong to it, where it stands in the text.

    box: left, top, right, bottom in pixels of the mask. marks: their numbers in the label array.
    line, word: counted from 0 on the page.
    """

    box: tuple
    marks: tuple
    line: int
    word: int


def skew(mask):
    """By how many degrees a page's lines fall to the right: the angle with the sharpest rows.

    Arguments: mask: bool (h, w), True where there is ink, somewhere.
    Returns: degrees, -SKEW … SKEW; 0 where no angle is clearly better.
    """
    y, x = np.nonzero(mask)
    step = 1 + len(x) // 20_000
    y, x = y[::step], x[::step]

    def sharpness(degrees):
        rows = np.round(y - x * np.tan(np.radians(degrees))).astype(int)
        return float((np.bincount(rows - rows.min()).astype(float) ** 2).sum())

    best = max(np.arange(-SKEW, SKEW + 0.1, 0.5), key=sharpness)
    best = max(best + np.arange(-0.4, 0.5, 0.1), key=sharpness)
    return float(best) if sharpness(best) > 1.1 * sharpness(0) else 0.0


def characters(mask):
    """Find the characters of a page in reading order.

    Arguments: mask: bool (h, w), True where there is ink, lines nearly level.
    Returns: list of Character, and the label array, int (h, w): the number of each pixel's mark.
    Raises: SeveralCharacters where there are more than `MOST` marks. Taught in notebook 13.
    """
    labels, count = ndimage.label(mask, ink.EIGHT)
    if count > MOST:
        raise SeveralCharacters(
            f"Expected separate characters on paper, found {count:,} marks. "
            "Photograph plain, ruled or squared paper, in focus, with nothing else in view."
        )
    found = ndimage.find_objects(labels)
    marks = np.array([(x.start, y.start, x.stop, y.stop) for y, x in found]).reshape(-1, 4)
    area = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    sides, stroke = _sides(marks), ink.width(mask)
    size = _typical(sides[sides > 2.1 * stroke])
    if not size:
        return [], labels
    groups = _joined(marks, area > 0.3 * stroke**2, size)
    boxes = np.array([_around(marks[group]) for group in groups])
    large = _sides(boxes) > max(0.35 * size, 2 * stroke)
    groups, boxes = [g for g, keep in zip(groups, large, strict=True) if keep], boxes[large]
    lines = _lines(boxes)
    return _numbered(boxes, groups, lines, _word_gap(boxes, lines, size)), labels


def only(mask):
    """The pixels of the only character; what the picture's edge cuts off counts only if alone.

    Arguments and return value: bool (h, w).
    Raises: NoInk where there are specks only; SeveralCharacters. Taught in notebook 13.
    """
    found, labels = characters(mask)
    if not found:
        raise NoInk("Expected a character, found specks only. Write larger, or go nearer.")
    area = np.bincount(labels.ravel())
    areas = [area[list(one.marks)].sum() for one in found]
    edges = (0, 0, *mask.shape[::-1])
    inside = [
        one
        for one, size in zip(found, areas, strict=True)
        if size > 0.1 * max(areas) and not any(np.equal(one.box, edges))
    ]
    found = inside or [one for one, size in zip(found, areas, strict=True) if size == max(areas)]
    if len(found) > 1 and not _dotted(found):
        raise SeveralCharacters(
            f"Expected one character, found {len(found)}. Cut the picture, or use read_page."
        )
    chosen = np.zeros(len(area), bool)
    chosen[[mark for one in found for mark in one.marks]] = True
    return chosen[labels]


def _dotted(found):
    """Are these a stem and its dot? It may be far above, or large, where nothing else is near."""
    if len(found) != 2:
        return False
    dot, stem = sorted((np.array(one.box) for one in found), key=lambda box: box[1])
    (wide, high), long = stem[2:] - stem[:2], (dot[2:] - dot[:2]).max()
    over = dot[0] < stem[2] and stem[0] < dot[2] and dot[3] <= stem[1] + 1
    return bool(over and wide < 0.75 * high and long < 0.75 * high)


def text(characters, readings):
    """The readings of characters as text: words divided by a space, lines by a line end.

    Arguments: characters: list of Character; readings: a string for each. Returns: str.
    """
    parts = []
    for before, character, reading in zip([None, *characters], characters, readings, strict=False):
        if before is not None and before.line != character.line:
            parts.append("\n")
        elif before is not None and before.word != character.word:
            parts.append(" ")
        parts.append(reading)
    return "".join(parts)


def _sides(boxes):
    """The longer side of each box."""
    return (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0)


def _typical(sides):
    """The side of which all smaller ones together make up half: dots and specks hardly count."""
    ordered = np.sort(sides)
    return ordered[np.searchsorted(ordered.cumsum(), ordered.sum() / 2)] if len(sides) else 0


def _around(boxes):
    """The box around boxes."""
    return (*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0))


def _joined(marks, kept, size):
    """Lists of marks that make one character each: dots with stems, broken strokes, bars.

    Each mark, from the smallest on, joins the nearest one that it can belong to.
    """
    group = np.arange(len(marks))
    for mark in np.argsort(_sides(marks), kind="stable"):
        others = np.flatnonzero(kept & (group != group[mark]))
        if kept[mark] and len(others):
            distance = _distances(marks[mark], marks[others], size)
            if distance.min() < np.inf:
                group[group == group[mark]] = group[others[distance.argmin()]]
    return [np.flatnonzero(kept & (group == one)) for one in np.unique(group[kept])]


def _distances(mark, others, size):
    """How far a mark is from others, pixels; inf from those that it cannot belong to.

    A dot belongs to what it stands above, also a little beside it: i and j. A bar belongs to
    what it lies over or under: E, 5. Anything else has to touch, but for a hair's breadth: two
    high marks are neighbours, or stand in two lines, and a dot below a character is a full stop.
    """
    left, top, right, bottom = others.T
    beside = np.maximum(left - mark[2], mark[0] - right)  # negative: they overlap
    apart = np.maximum(top - mark[3], mark[1] - bottom)
    narrower = np.minimum(right - left, mark[2] - mark[0])
    middle = (left + right - mark[0] - mark[2]) / 2
    lower = np.minimum(bottom - top, mark[3] - mark[1])
    side, short = _sides(mark[None]), (mark[2:] - mark[:2]).min()
    dot = (side < 0.45 * size) & (apart < 0.6 * size)
    dot |= (side < 0.6 * _sides(others)) & (side < 2.5 * short) & (apart < 0.4 * size)
    dot &= (top >= mark[1]) & (beside < 0.25 * size) & (abs(middle) < 0.6 * size)
    bar = (lower < 0.4 * size) & (beside < -0.5 * narrower) & (apart < 0.5 * size)
    bar &= (side > 0.4 * size) & (_sides(others) > 0.4 * size)
    touch = np.maximum(beside, apart) < 0.05 * size
    gap = np.maximum(apart, 0) + np.maximum(beside, 0)
    return np.where(dot | bar | touch, gap, np.inf)


def _lines(boxes):
    """Indices of boxes, line by line from the top, each line from left to right.

    From left to right, a box continues the line whose latest boxes are on its level.
    """
    lines, levels = [], np.empty((0, 2))
    for index in np.argsort(boxes[:, 0], kind="stable"):
        top, bottom = boxes[index, [1, 3]]
        shared = np.minimum(bottom, levels[:, 1]) - np.maximum(top, levels[:, 0])
        shared = shared / np.minimum(bottom - top, levels[:, 1] - levels[:, 0])
        best = shared.argmax() if len(lines) else -1
        if best < 0 or shared[best] < 0.4:
            lines.append([index])
            levels = np.vstack([levels, (top, bottom)])
        else:
            lines[best].append(index)
            levels[best] += 0.3 * (np.array([top, bottom]) - levels[best])
    return sorted(lines, key=lambda line: boxes[line][:, [1, 3]].mean())


def _word_gap(boxes, lines, size):
    """The gap between characters from which on a new word begins, pixels.

    Most gaps are inside words; a gap between words is clearly wider than what is usual there.
    """
    gaps = np.concatenate([_gaps(boxes[line]) for line in lines] or [[]])
    if not len(gaps):
        return np.inf
    usual = np.median(gaps)
    return usual + max(0.4 * size, 3 * 1.48 * np.median(np.abs(gaps - usual)))


def _gaps(boxes):
    """The distance of each box from the one before it in its line, pixels."""
    return boxes[1:, 0] - np.maximum.accumulate(boxes[:, 2])[:-1]


def _numbered(boxes, groups, lines, word_gap):
    """The characters, each with its line and word."""
    characters, word = [], -1
    for number, line in enumerate(lines):
        starts = np.concatenate([[True], _gaps(boxes[line]) > word_gap])
        for index, starts_word in zip(line, starts, strict=True):
            word += int(starts_word)
            box = tuple(boxes[index].tolist())
            characters.append(Character(box, tuple(groups[index] + 1), number, word))
    return characters
