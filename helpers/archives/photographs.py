"""Photographs of single handwritten characters: a set to try one's own preparation on.

It is no part of MNIST or EMNIST, and nothing of it went into any network of the course.
"""

import io
import os
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from helpers import course
from helpers.archives import download
from helpers.archives.idx import DataUnavailable, damaged
from helpers.archives.sample import CHARACTERS, FONTS, draw_character
from helpers.internals import tiers

import matplotlib
import numpy as np
from PIL import Image, ImageFont
from scipy import ndimage
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

ARCHIVE = Path("handwriting", "handwritten62.zip")
MEMBER = re.compile(r"([DUL])_(\w)/(\d+)\.png")
"""D_7/12.png is the thirteenth 7; U and L stand for upper and lower case."""

QUICK = 10
"""The quick tier takes so many pictures of each character, and so many are rendered."""

LARGEST = 1_000_000
"""No picture has more pixels, or bytes in its file: one that announces more is damaged."""

ALIKE = 0.88
"""Pictures whose signatures correlate more than this are near-duplicates."""


@dataclass(frozen=True, eq=False)
class Photographs:
    """Pictures of single characters.

    Attributes:
        pictures: PIL images.
        labels: int64 (n,), those of EMNIST ByClass.
        sample: whether they were rendered from fonts.
    """

    pictures: list[Image.Image]
    labels: np.ndarray
    sample: bool

    def __len__(self) -> int:
        return len(self.pictures)

    def part(self, chosen: np.ndarray) -> "Photographs":
        """Some of them.

        Args:
            chosen: bool (n,), which.
        """
        some = [picture for picture, keep in zip(self.pictures, chosen, strict=True) if keep]
        return Photographs(some, self.labels[chosen], self.sample)


def load(archive: str | os.PathLike[str] | None = None, rendered: bool = False) -> Photographs:
    """The set of 6,200 photographs of 62 characters, 100 each, about 30 × 30 pixels, in colour.

    Pencil and pen on paper, in uneven light, some ruled. The quick tier takes ten of each. Or the
    pictures of another archive, such as the page to draw on saves: all of them, in either tier.

    Args:
        archive: the path of a zip file of PNG pictures, D_7/0.png, U_A/0.png or L_a/0.png: the
            first 7, A and a. None: the set.
        rendered: take characters in matplotlib's fonts instead of the set, ten of each, rendered
            as if photographed; so it is with COURSE_DATA=sample, whatever you say.

    Returns:
        Photographs, sorted by label and number.

    Raises:
        DataUnavailable: no archive, or a damaged one, at that path; or for the set, which is not
            downloaded, at handwriting/handwritten62.zip in the folder that COURSE_DATA names.
        ValueError: both `archive` and `rendered`.

    Taught in notebook 20.
    """
    if archive is not None:
        return _own(Path(archive), rendered)
    place = download.source()
    if rendered or place == "sample":
        return _rendered()
    if place is None or not (place / ARCHIVE).is_file():
        raise DataUnavailable(
            f"expected an archive of photographed characters at {ARCHIVE} in the folder that "
            "COURSE_DATA names, found none; the course cannot download it. Put it there; or take "
            "pictures rendered from fonts: photographs.load(rendered=True)."
        )
    most = QUICK if course.tier() == "quick" else None
    mend = "Put a good copy in its place, or take pictures rendered from fonts: "
    found = _read(place / ARCHIVE, most, mend + "photographs.load(rendered=True).")
    tiers.shortened(100, QUICK, "photographs of each character")
    return found


def _own(archive: Path, rendered: bool) -> Photographs:
    """All pictures of an archive that is not the set."""
    if rendered:
        raise ValueError(
            f"Expected an archive or rendered=True, found both, {archive} too. Pass one of them."
        )
    if not archive.is_file():
        raise DataUnavailable(
            f"expected an archive of characters at {archive}, found none. Pass the path of the "
            "file that you saved on the page to draw on; it is my_characters.zip there."
        )
    return _read(archive, None, "Save it again on the page to draw on, or pass another.")


def _read(archive: Path, most: int | None, mend: str) -> Photographs:
    """The pictures of an archive, sorted: of each character all, or the first so many."""
    found = []
    try:
        with zipfile.ZipFile(archive) as zipped:
            members = _members(zipped, _total(archive))
            for name, (label, number) in members.items():
                if most is not None and number >= most:
                    continue
                with zipped.open(name) as packed:
                    picture = Image.open(io.BytesIO(packed.read(LARGEST)), formats=["PNG"])
                if picture.width * picture.height > LARGEST:
                    raise ValueError(f"{name} has {picture.width} × {picture.height} pixels")
                picture.load()
                found.append((label, number, picture))
    except Exception as error:  # a damaged picture can make its decoder raise anything
        expected = "pictures of single characters, named like U_A/0.png, whole"
        what = f"{type(error).__name__}: {error}"
        raise damaged(archive, expected, what, mend) from error
    found.sort(key=lambda one: one[:2])
    labels = np.array([label for label, _, _ in found], np.int64)
    return Photographs([picture for *_, picture in found], labels, sample=False)


def _members(zipped: zipfile.ZipFile, total: int) -> dict[str, tuple[int, int]]:
    """The pictures in an archive: name → label and number.

    Raises:
        ValueError: the table of contents lists more or fewer than the total at its end.
        BadZipFile: a name in the table is not the one that stands before its content.
    """
    names = zipped.namelist()
    if len(names) != total:
        raise ValueError(f"{len(names):,} in the table of contents, {total:,} at its end")
    for name in names:  # also those that look like no picture: a name may be damaged
        zipped.open(name).close()
    matches = {name: match for name in names if (match := MEMBER.fullmatch(name))}
    if not matches:
        raise ValueError(f"no picture among {names[:3]}")
    return {n: (CHARACTERS.index(found[2]), int(found[3])) for n, found in matches.items()}


def _total(archive: Path) -> int:
    """How many files an archive says it has, at its end; zipfile does not look there."""
    content = archive.read_bytes()
    return int.from_bytes(content[content.rindex(b"PK\5\6") + 10 :][:2], "little")


def _rendered(seed: int = 0) -> Photographs:
    """Characters in matplotlib's fonts, on unevenly lit, partly ruled paper, with noise."""
    rng = np.random.default_rng(seed)
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    fonts = [ImageFont.truetype(folder / f"{name}.ttf", 40) for name in FONTS]
    made = [
        photograph(draw_character(character, fonts[copy % len(fonts)], rng), rng)
        for character in CHARACTERS
        for copy in range(QUICK)
    ]
    return Photographs(made, np.repeat(np.arange(len(CHARACTERS)), QUICK), sample=True)


def photograph(written: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Ink on paper as a camera sees it: somewhere on the sheet, in uneven light, grainy.

    Args:
        written: a picture of mode "L", 255 ink.
        rng: decides place, light, ruling and grain.

    Returns:
        A picture of mode "L", a little larger than what was written.
    """
    margins = [(int(a), int(b)) for a, b in rng.integers(4, 16, (2, 2))]
    sheet = np.pad(np.asarray(written), margins) / 255
    if rng.random() < 0.3:
        sheet[rng.integers(len(sheet))] = 0.3  # a line of ruled paper
    paper, dark = rng.uniform(0.55, 0.85), rng.uniform(0.1, 0.35)
    y, x = (np.linspace(-0.5, 0.5, side) for side in sheet.shape)
    fall = 1 + rng.uniform(-0.3, 0.3) * x + rng.uniform(-0.3, 0.3) * y[:, None]
    seen = (paper - (paper - dark) * sheet) * fall + rng.normal(0, 0.01, sheet.shape)
    return Image.fromarray(np.round(255 * np.clip(seen, 0, 1)).astype(np.uint8))


def near_duplicates(photographs: Photographs, alike: float = ALIKE) -> np.ndarray:
    """Which pictures are nearly the same: the same character photographed or cut twice.

    Each picture is reduced to 24 × 24 pixels, its light is taken away, and two whose correlation
    is above `alike` are joined; so are all that are joined with either.

    Args:
        photographs: the pictures; their labels do not matter.
        alike: correlation, -1 … 1, above which two are joined.

    Returns:
        int (n,), equal for pictures that belong together.

    Taught in notebook 20.
    """
    signatures = np.array([_signature(picture) for picture in photographs.pictures])
    pairs = [np.empty((2, 0), int)]
    for start in range(0, len(signatures), 500):  # all at once would fill the memory
        near = np.argwhere(signatures[start : start + 500] @ signatures.T > alike).T
        pairs.append(near + np.array([[start], [0]]))
    i, j = np.concatenate(pairs, axis=1)
    graph = coo_matrix((np.ones(len(i)), (i, j)), shape=(len(signatures),) * 2)
    return connected_components(graph, directed=False)[1]


def _signature(picture: Image.Image, side: int = 24) -> np.ndarray:
    """A picture's detail, its light taken away, as a vector of length 1."""
    small = picture.convert("RGB").convert("L").resize((side, side), Image.Resampling.BOX)
    detail = np.asarray(small, float)
    detail = detail - ndimage.gaussian_filter(detail, side / 4)
    detail -= detail.mean()
    return detail.ravel() / (np.linalg.norm(detail) + 1e-9)


def halves(labels: np.ndarray, groups: np.ndarray, seed: int = 0) -> np.ndarray:
    """Two halves with equally many of each class; a group goes whole to one side.

    Args:
        labels: int (n,), the class of each picture.
        groups: int (n,), the group of each, all of one class.
        seed: which groups are drawn.

    Returns:
        bool (n,), True in the first half.

    Taught in notebook 20.
    """
    rng = np.random.default_rng(seed)
    first = np.zeros(len(labels), bool)
    count = np.zeros((labels.max() + 1, 2), int)
    for group in rng.permutation(groups.max() + 1):
        members = np.flatnonzero(groups == group)
        here = count[labels[members[0]]]
        side = int(here[0] > here[1]) if here[0] != here[1] else int(rng.integers(2))
        np.add.at(count, (labels[members], side), 1)
        first[members] = side == 0
    return first
