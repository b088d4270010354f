"""A page to print and fill in, and the labelled characters that a photograph of it holds.

So a class makes a data set of its own handwriting.
"""

import os
from itertools import combinations

from helpers.archives.sample import CHARACTERS
from helpers.handwriting import ink, layout, pictures, sheet
from helpers.handwriting.conversion import converter
from helpers.handwriting.pictures import ImageLike, Unreadable

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from PIL import Image
from scipy import ndimage

COPIES = 4
"""How many boxes each character has."""

PAPERS = {"A4": (210, 297), "Letter": (215.9, 279.4)}
"""The papers that there is a page for: width and height in mm."""

# The same block stands in the middle of every paper; places are in mm from its upper left mark.
WIDTH, HEIGHT, MARK = 180, 250, 6
CORNERS = ((0, 0), (WIDTH, 0), (WIDTH, HEIGHT), (0, HEIGHT))
TOP = (30, 0)  # a fifth mark says where the top is
COLUMNS, LEFT, FIRST, ACROSS, DOWN, BOX = 16, 6, 11, 10.5, 14.75, 9.5
EDGE = 0.7  # of a box, not looked at: the printed line
SCALE = 8  # pixels for a millimetre, once the page is straightened
MOST = 14  # marks that are tried


class NoTemplate(Unreadable):
    """The five black marks of the page cannot be found."""


def boxes() -> list[tuple[int, float, float]]:
    """Where to write what: the boxes, `BOX` mm wide and high.

    Returns:
        (label, left, top) of each: its place in `CHARACTERS`, and mm from the upper left mark.
    """
    places = [divmod(index, COLUMNS) for index in range(COPIES * len(CHARACTERS))]
    return [
        (index // COPIES, LEFT + column * ACROSS, FIRST + row * DOWN)
        for index, (row, column) in enumerate(places)
    ]


def write(path: str | os.PathLike[str], paper: str = "A4") -> None:
    """Write the page as a PDF file: print it, fill in one character a box, photograph it.

    Args:
        path: where to.
        paper: "A4" or "Letter".

    Raises:
        ValueError: another paper.

    Taught in notebook 20.
    """
    if paper not in PAPERS:
        raise ValueError(f"Expected a paper of {', '.join(PAPERS)}, found {paper!r}. Choose one.")
    draw(paper).savefig(path, format="pdf")


def draw(paper: str = "A4") -> Figure:
    """The page as a figure of the paper's size.

    Args:
        paper: "A4" or "Letter".
    """
    width, height = PAPERS[paper]
    fig = plt.figure(figsize=(width / 25.4, height / 25.4))
    plt.close(fig)  # a notebook then shows it once, as the value of its cell
    ax = fig.add_axes([0, 0, 1, 1])
    left, top = (width - WIDTH) / 2, (height - HEIGHT) / 2
    ax.set(xlim=(-left, width - left), ylim=(height - top, -top))
    ax.set_axis_off()
    for x, y in (*CORNERS, TOP):
        square = (x - MARK / 2, y - MARK / 2), MARK, MARK
        ax.add_patch(plt.Rectangle(*square, facecolor="black", linewidth=0))
    text = {"family": "DejaVu Sans Mono", "fontsize": 7, "color": "0.4"}
    ax.text(38, 0, "One character in each box, as you always write it.", va="center", **text)
    for label, x, y in boxes():
        ax.add_patch(plt.Rectangle((x, y), BOX, BOX, fill=False, edgecolor="0.6", linewidth=0.5))
        ax.text(x + BOX / 2, y - 0.5, CHARACTERS[label], ha="center", va="bottom", **text)
    return fig


def extract(image: ImageLike, style: str = "emnist") -> tuple[np.ndarray, np.ndarray]:
    """The labelled characters on a photograph of the filled page; empty boxes are left out.

    The page may lie in any direction and be seen at a slant; all five marks must be in view.

    Args:
        image: as for `handwriting.prepare`.
        style: "emnist" or "mnist".

    Returns:
        Images uint8 (n, 28, 28) and labels int64 (n,), places in `CHARACTERS`, which are the
        labels of EMNIST ByClass: `data.Split(images, labels)` is ready to train on.

    Raises:
        pictures.Unreadable: NoTemplate, NoInk and the errors of `pictures.load`.
        ValueError: another style.

    Taught in notebook 20.
    """
    convert = converter(style)
    picture, _ = pictures.load(image)
    seen = pictures.brightness(picture)
    density = ink.density(seen, max(seen.shape) // 15)
    block = _straightened(seen, _locate(density > 0.5 * ink.darkness(density)))
    density = ink.density(block, int(BOX * SCALE))
    mask = ink.strokes(density, ink.darkness(density))
    images, labels = [], []
    for label, left, top in boxes():
        x, y = (round((side + MARK / 2 + EDGE) * SCALE) for side in (left, top))
        inside = round((BOX - 2 * EDGE) * SCALE)
        part = slice(y, y + inside), slice(x, x + inside)
        written = _written(mask[part])
        if written.any():
            images.append(convert(ink.scan(density[part], written)))
            labels.append(label)
    return np.array(images, np.uint8).reshape(-1, 28, 28), np.array(labels, np.int64)


def _written(mask: np.ndarray) -> np.ndarray:
    """The pixels in a box that belong to a character: not specks; none in an empty box."""
    found = layout.characters(mask)
    sides = [max(one.box[2] - one.box[0], one.box[3] - one.box[1]) for one in found]
    large = [one for one, side in zip(found, sides, strict=True) if side > BOX * SCALE / 6]
    return layout.together(large, mask.shape)


def _locate(mask: np.ndarray) -> np.ndarray:
    """The perspective that maps mm of the block to pixels, (3, 3), from its five marks."""
    marks, sizes = _solid(mask)
    best, least = None, 0.5  # of a mark's size
    for four in map(list, combinations(range(len(marks)), 4)):
        others = np.delete(marks, four, axis=0), np.delete(sizes, four)
        if not len(others[1]) or _flat(marks[four]):
            continue
        around = marks[four] - marks[four].mean(axis=0)
        points = marks[four][np.argsort(np.arctan2(around[:, 1], around[:, 0]))]  # clockwise
        for turn in range(4):
            perspective = sheet.perspective(CORNERS, np.roll(points, turn, axis=0))
            off = np.linalg.norm(others[0] - sheet.mapped(perspective, [TOP]), axis=1)
            error = (off / others[1]).min()
            if error < least:
                best, least = perspective, error
    if best is None:
        raise NoTemplate(
            f"Expected the page's five black squares, found {len(marks)} that do not fit together. "
            "Photograph the whole printed page from above, on a light table."
        )
    return best


def _solid(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Solid spots of about the size of a mark: centres (n, 2) as x, y, and sides (n,), pixels."""
    long = max(mask.shape)
    least = max(3, long // 180)  # a mark is 1 / 41 of the longer side of a page of 250 mm
    core = ndimage.minimum_filter(mask, least)
    labels, _ = ndimage.label(core)
    found = ndimage.find_objects(labels)
    spots = []
    for number, (rows, columns) in enumerate(found, start=1):
        sides = np.array([rows.stop - rows.start, columns.stop - columns.start])
        area = np.count_nonzero(labels[rows, columns] == number)
        square = sides.max() < 2.2 * sides.min() + 2 and area > 0.4 * sides.prod()
        if square and sides.max() < long / 15:
            middle = ndimage.center_of_mass(core[rows, columns])
            spots.append((area, columns.start + middle[1], rows.start + middle[0], sides.mean()))
    spots = np.array(sorted(spots, reverse=True)[:MOST]).reshape(-1, 4)
    return spots[:, 1:3], spots[:, 3] + least


def _flat(points: np.ndarray) -> bool:
    """Do three of four points lie nearly in line?"""
    sides = [points[list(three[1:])] - points[three[0]] for three in combinations(range(4), 3)]
    areas = np.abs(np.linalg.det(sides))
    return areas.min() < 0.2 * areas.max()


def _straightened(seen: np.ndarray, perspective: np.ndarray) -> np.ndarray:
    """The block of a page, marks included, as if seen from above, `SCALE` pixels a millimetre."""
    size = round((WIDTH + MARK) * SCALE), round((HEIGHT + MARK) * SCALE)
    to_mm = np.array([[1 / SCALE, 0, -MARK / 2], [0, 1 / SCALE, -MARK / 2], [0, 0, 1]])
    straight, _ = sheet.straightened(Image.fromarray(seen), perspective @ to_mm, size)
    return np.asarray(straight)
