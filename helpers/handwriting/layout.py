"""Which marks on a page make one character, which characters one word, which words one line."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from helpers.handwriting import ink
from helpers.handwriting.pictures import NoInk, SeveralCharacters

import numpy as np
from PIL import Image
from scipy import ndimage

MOST = 5_000
"""A page has at most so many marks; more are a texture, or a page that is not handwriting."""

WIDEST = 2.7
"""A character is at most so many times as wide as high."""

SKEW = 8
"""A page may be turned by so many degrees in either direction."""

# --- level lines ------------------------------------------------------------------------------


def skew(mask: np.ndarray) -> float:
    """By how many degrees a page's lines fall to the right: the angle with the sharpest rows.

    Args:
        mask: bool (h, w), True where there is ink, somewhere.

    Returns:
        Degrees, -SKEW … SKEW; 0 where no angle is clearly better.
    """
    sharpness = _sharpness(mask, 20_000)
    best = max(np.arange(-SKEW, SKEW + 0.1, 0.5), key=sharpness)
    best = max(best + np.arange(-0.4, 0.5, 0.1), key=sharpness)
    return float(best) if sharpness(best) > 1.1 * sharpness(0) else 0.0


def turned(mask: np.ndarray) -> int:
    """By how many degrees a page's lines fall to the right, if by clearly more than `SKEW`; else 0.

    Args:
        mask: bool (h, w), True where there is ink, somewhere.

    Taught in notebook 21.
    """
    sharpness = _sharpness(mask, 5_000)
    best = max([*range(-30, -SKEW - 1), *range(SKEW + 2, 31)], key=sharpness)
    within = max(map(sharpness, range(-SKEW, SKEW + 1)))
    return best if sharpness(best) > 1.3 * within else 0


def _sharpness(mask: np.ndarray, most: int) -> Callable[[float], float]:
    """How sharp the rows of a page are, by the angle of its lines, from so many of its pixels."""
    y, x = np.nonzero(mask)
    step = 1 + len(x) // most
    y, x = y[::step], x[::step]

    def sharpness(degrees: float) -> float:
        rows = np.round(y - x * np.tan(np.radians(degrees))).astype(int)
        return float((np.bincount(rows - rows.min()).astype(float) ** 2).sum())

    return sharpness


def level(page: np.ndarray, angle: float) -> np.ndarray:
    """Turn a page so that its lines are level.

    Args:
        page: density of ink, float32 (h, w).
        angle: by how many degrees its lines fall to the right.

    Returns:
        float32, large enough to hold all of the page; 0 where nothing of it is.
    """
    if not angle:
        return page
    return np.asarray(Image.fromarray(page).rotate(angle, Image.Resampling.BILINEAR, expand=True))


def turned_back(
    boxes: Sequence[tuple[int, int, int, int]],
    shape: tuple[int, int],
    before: tuple[int, int],
    angle: float,
) -> np.ndarray:
    """Boxes on a page that `level` has turned, as boxes on the page before.

    Args:
        boxes: left, top, right, bottom of each.
        shape: (h, w) of the turned page.
        before: (h, w) of the page before.
        angle: as for `level`.

    Returns:
        float (n, 4), the boxes around the turned ones.
    """
    left, top, right, bottom = np.array(boxes, float).T
    x = np.stack([left, right, right, left]) - shape[1] / 2
    y = np.stack([top, top, bottom, bottom]) - shape[0] / 2
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    x, y = cosine * x - sine * y + before[1] / 2, sine * x + cosine * y + before[0] / 2
    return np.stack([x.min(axis=0), y.min(axis=0), x.max(axis=0), y.max(axis=0)], axis=1)


# --- characters -------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Character:
    """One character of a page: where it is, which pixels are its ink, where it stands in the text.

    Attributes:
        box: left, top, right, bottom in pixels of the page.
        part: the box and a pixel around it, as slices of the page's rows and columns.
        mask: bool, of the shape of `part`, True where the character has ink.
        line: counted from 0 on the page.
        word: counted from 0 on the page.
    """

    box: tuple[int, int, int, int]
    part: tuple[slice, slice]
    mask: np.ndarray
    line: int
    word: int


def characters(mask: np.ndarray) -> list[Character]:
    """Find the characters of a page in reading order.

    Args:
        mask: bool (h, w), True where there is ink, lines nearly level.

    Raises:
        SeveralCharacters: there are more than `MOST` marks.

    Taught in notebook 21.
    """
    labels, groups, boxes, size = _groups(mask)
    lines = _lines(boxes)
    return [
        _character(labels, groups[index], boxes[index], line, word)
        for index, line, word in _numbered(boxes, lines, _word_gap(boxes, lines, size))
    ]


def _groups(mask: np.ndarray) -> tuple[np.ndarray, list[np.ndarray], np.ndarray, float]:
    """What makes one character each, in no order.

    Returns:
        int (h, w), the number of each pixel's mark; the numbers of each character's marks; the
        box of each, (n, 4); the longer side that is usual among marks.
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
    size = ink.typical(sides[sides > 2.1 * stroke])
    if not size:
        return labels, [], np.empty((0, 4), int), size
    groups = _joined(marks, area > 0.3 * stroke**2, size, labels)
    boxes = np.array([_around(marks[group]) for group in groups])
    large = _sides(boxes) > max(0.35 * size, 2 * stroke)
    groups = [group + 1 for group, keep in zip(groups, large, strict=True) if keep]
    return labels, groups, boxes[large], size


def _character(
    labels: np.ndarray, numbers: np.ndarray, box: np.ndarray, line: int, word: int
) -> Character:
    """The character that the marks of these numbers make."""
    left, top, right, bottom = box.tolist()
    part = slice(max(top - 1, 0), bottom + 1), slice(max(left - 1, 0), right + 1)
    return Character((left, top, right, bottom), part, _pixels(labels[part], numbers), line, word)


def _pixels(labels: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Which pixels belong to the marks of these numbers."""
    return np.logical_or.reduce([labels == number for number in numbers])


def only(mask: np.ndarray) -> np.ndarray:
    """The pixels of the only character; what the picture's edge cuts off hardly counts.

    In a picture that is cut to the writing, small parts of neighbours are left out.

    Args:
        mask: bool (h, w), True where there is ink.

    Returns:
        bool (h, w).

    Raises:
        NoInk: there are specks only.
        SeveralCharacters: there is more than one.

    Taught in notebook 20.
    """
    labels, groups, boxes, _ = _groups(mask)
    if not groups:
        raise NoInk("Expected a character, found specks only. Write larger, or go nearer.")
    area = np.bincount(labels.ravel())
    areas = np.array([area[group].sum() for group in groups])
    cut = boxes == (0, 0, *mask.shape[::-1])
    amidst = ~cut.any(axis=1) & (areas > 0.1 * areas.max())
    if (cut[:, 1] & cut[:, 3]).any() or not amidst.any():  # the picture is cut to the writing
        amidst = areas > 0.35 * areas.max()
    count = np.count_nonzero(amidst)
    if count > 1 and not _dotted(boxes[amidst]):
        raise SeveralCharacters(
            f"Expected one character, found {count}. Cut the picture, or use read_page."
        )
    return _pixels(labels, np.concatenate([groups[index] for index in np.flatnonzero(amidst)]))


def crowded(mask: np.ndarray) -> bool:
    """Is this ink as wide as several characters, or has it as many strokes side by side?

    Args:
        mask: bool (h, w), somewhere True.

    Taught in notebook 20.
    """
    mask = ink.crop(mask, mask)
    strokes = mask[:, 0] + (mask[:, 1:] > mask[:, :-1]).sum(axis=1)  # in each row
    many = np.count_nonzero(strokes > 4)
    return bool(mask.shape[1] > WIDEST * mask.shape[0] or many > 0.3 * (len(mask) - 1))


def together(found: Sequence[Character], shape: tuple[int, int]) -> np.ndarray:
    """The pixels of several characters of a page.

    Args:
        found: some of what `characters` returned.
        shape: (h, w) of the page.

    Returns:
        bool (h, w).
    """
    mask = np.zeros(shape, bool)
    for one in found:
        mask[one.part] |= one.mask
    return mask


def text(found: Sequence[Character], names: Sequence[str]) -> str:
    """What characters say: words divided by a space, lines by a line end.

    Args:
        found: what `characters` returned.
        names: what each of them was read as.
    """
    parts, before = [], None
    for one, name in zip(found, names, strict=True):
        if before and before.line != one.line:
            parts.append("\n")
        elif before and before.word != one.word:
            parts.append(" ")
        parts.append(name)
        before = one
    return "".join(parts)


# --- which marks belong together --------------------------------------------------------------


def _dotted(boxes: np.ndarray) -> bool:
    """Are these a stem and its dot? It may be far above, or large, where nothing else is near."""
    if len(boxes) != 2:
        return False
    dot, stem = boxes[np.argsort(boxes[:, 1], kind="stable")]
    (wide, high), long = stem[2:] - stem[:2], (dot[2:] - dot[:2]).max()
    over = dot[0] < stem[2] and stem[0] < dot[2] and dot[3] <= stem[1] + 1
    return bool(over and wide < 0.75 * high and long < 0.75 * high)


def _sides(boxes: np.ndarray) -> np.ndarray:
    """The longer side of each box."""
    return (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0)


def _around(boxes: np.ndarray) -> tuple[int, ...]:
    """The box around boxes."""
    return (*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0))


def _joined(
    marks: np.ndarray, large: np.ndarray, size: float, labels: np.ndarray
) -> list[np.ndarray]:
    """Lists of marks that make one character each: dots with stems, broken strokes, bars.

    Each mark, from the smallest on, joins the nearest one that it can belong to.
    """
    group = np.arange(len(marks))
    for mark in np.argsort(_sides(marks), kind="stable"):
        others = np.flatnonzero(large & (group != group[mark]))
        if large[mark] and len(others):
            gaps, touching = _gaps_to(marks[mark], marks[others], size)
            for place in np.argsort(gaps, kind="stable")[: np.isfinite(gaps).sum()]:
                other = others[place]
                if not touching[place] or _near(labels, marks, mark, other, size):
                    group[group == group[mark]] = group[other]
                    break
    return [np.flatnonzero(large & (group == one)) for one in np.unique(group[large])]


def _near(labels: np.ndarray, marks: np.ndarray, one: int, other: int, size: float) -> bool:
    """Is the ink of two marks a hair's breadth apart, or more where one is amidst the other?

    Boxes of neighbours overlap at a corner, as those of AV; those of broken strokes lie in one
    another.
    """
    first, second = marks[[one, other]]
    shared = np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2])
    areas = [np.prod(box[2:] - box[:2]) for box in (first, second)]
    reach = size * (0.05 + 0.2 * np.prod(np.maximum(shared, 0)) / min(areas))
    left, top = np.maximum(first[:2] - int(reach) - 1, 0)
    right, bottom = first[2:] + int(reach) + 1
    part = labels[top:bottom, left:right]
    away = ndimage.distance_transform_edt(part != other + 1)
    there = (part == other + 1).any()
    return bool(there and away[part == one + 1].min() - 1 <= reach)


def _gaps_to(mark: np.ndarray, others: np.ndarray, size: float) -> tuple[np.ndarray, np.ndarray]:
    """How far a mark is from others, pixels, and with which it has to touch to belong to them.

    The distance is that of their boxes, and inf from those that it cannot belong to.

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
    return np.where(dot | bar | touch, gap, np.inf), ~(dot | bar)


def _lines(boxes: np.ndarray) -> list[list[int]]:
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


def _word_gap(boxes: np.ndarray, lines: list[list[int]], size: float) -> float:
    """The gap between characters from which on a new word begins, pixels.

    Most gaps are inside words; a gap between words is clearly wider than what is usual there.
    """
    gaps = np.concatenate([_gaps(boxes[line]) for line in lines] or [[]])
    if not len(gaps):
        return np.inf
    usual = np.median(gaps)
    return usual + max(0.4 * size, 3 * 1.48 * np.median(np.abs(gaps - usual)))


def _gaps(boxes: np.ndarray) -> np.ndarray:
    """The distance of each box from the one before it in its line, pixels."""
    return boxes[1:, 0] - np.maximum.accumulate(boxes[:, 2])[:-1]


def _numbered(
    boxes: np.ndarray, lines: list[list[int]], word_gap: float
) -> Iterator[tuple[int, int, int]]:
    """The index of each box, its line and its word, in reading order."""
    word = -1
    for number, line in enumerate(lines):
        starts = np.concatenate([[True], _gaps(boxes[line]) > word_gap])
        for index, starts_word in zip(line, starts, strict=True):
            word += int(starts_word)
            yield index, number, word
