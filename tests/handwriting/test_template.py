"""Template: a page that prints on both papers, and comes back from a photograph as a data set."""

import io
from functools import cache

from helpers import data, handwriting
from helpers.handwriting import pictures, template
from helpers.handwriting.sheet import perspective

import numpy as np
import pytest
import written
from PIL import Image

DPI = 150


@cache
def filled(paper="A4", every=3):
    """The page as a scanner sees it, L, each `every`th box filled, and the labels of those."""
    printed = io.BytesIO()
    template.draw(paper).savefig(printed, dpi=DPI)
    sheet = Image.open(printed).convert("L")
    width, height = template.PAPERS[paper]
    left, top = (width - template.WIDTH) / 2, (height - template.HEIGHT) / 2
    chosen = template.boxes()[::every]
    for label, x, y in chosen:
        ink, _ = written.glyph(template.CHARACTERS[label], 28)
        middle = (np.array([left + x, top + y]) + template.BOX / 2) * DPI / 25.4
        corner = np.round(middle - np.array(ink.size) / 2).astype(int).tolist()
        sheet.paste(40, (*corner, corner[0] + ink.width, corner[1] + ink.height), ink)
    return sheet, [label for label, _, _ in chosen]


def photographed(sheet, turn=0.0, slant=0.0, shadow=0.0, noise=0.0):
    """The sheet on a lighter table, turned by degrees, its far side smaller by `slant`."""
    width, height = sheet.size
    table = Image.new("L", (round(1.25 * width), round(1.2 * height)), 215)
    table.paste(sheet, (round(0.12 * width), round(0.1 * height)))
    wide, high = table.size
    corners = [(0, 0), (0, high), (wide, high), (wide, 0)]
    seen_from = [(-slant * wide, 0), (0, high), (wide, high), ((1 + slant) * wide, 0)]
    coefficients = perspective(corners, seen_from).ravel()[:8].tolist()
    method = Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC
    seen = table.transform(table.size, *method, fillcolor=215)
    seen = seen.rotate(turn, Image.Resampling.BICUBIC, expand=True, fillcolor=215)
    light = 1 - shadow * np.linspace(0, 1, seen.width)
    grain = np.random.default_rng(0).normal(0, noise, (seen.height, seen.width))
    return Image.fromarray(np.clip(np.asarray(seen) * light + grain, 0, 255).astype(np.uint8))


@cache
def extracted(view):
    """What comes of the page as it is seen there: images and their labels."""
    return template.extract(photographed(filled()[0], **VIEWS[view]))


@cache
def model():
    return written.Nearest(handwriting.prepare, template.CHARACTERS)


VIEWS = {
    "scanned": {},
    "turned": {"turn": 7},
    "lying": {"turn": 90},
    "upside down": {"turn": 180},
    "slanting, in a shadow": {"slant": 0.12, "turn": -5, "shadow": 0.4, "noise": 4},
}


@pytest.mark.parametrize("view", VIEWS)
def test_a_photograph_of_the_page_becomes_labelled_images(view):
    labels = filled()[1]
    images, found = extracted(view)
    assert found.tolist() == labels
    assert images.shape == (len(labels), 28, 28) and images.dtype == np.uint8
    read = model().predict(images).argmax(axis=1)
    lower = np.array([character.lower() for character in template.CHARACTERS])
    assert (lower[read] == lower[found]).mean() > 0.9


def test_letter_paper_holds_the_same_block():
    sheet, labels = filled("Letter")
    assert template.extract(photographed(sheet, turn=3))[1].tolist() == labels


def test_the_images_make_a_split():
    images, labels = extracted("scanned")
    split = data.Split(images, labels)
    assert len(split[:10]) == 10 and split.labels.max() == 61


def test_an_empty_page_has_no_images():
    images, labels = template.extract(photographed(filled(every=10**6)[0].copy()))
    assert len(images) == len(labels) <= 1


def test_a_short_scratch_in_an_empty_box_is_no_character():
    sheet, labels = filled()
    scratched = sheet.copy()
    width, height = template.PAPERS["A4"]
    _, x, y = template.boxes()[1]
    middle = np.array([(width - template.WIDTH) / 2 + x, (height - template.HEIGHT) / 2 + y])
    left, top = np.round((middle + template.BOX / 2) * DPI / 25.4).astype(int).tolist()
    scratched.paste(40, (left, top, left + 7, top + 2))  # 1.2 mm long
    assert template.extract(photographed(scratched))[1].tolist() == labels


def test_every_character_has_its_boxes_inside_the_marks_and_apart():
    boxes = np.array(template.boxes())
    assert np.bincount(boxes[:, 0].astype(int)).tolist() == [template.COPIES] * 62
    reach = template.MARK / 2
    assert boxes[:, 1].min() > reach and boxes[:, 2].min() > reach
    assert boxes[:, 1].max() + template.BOX < template.WIDTH - reach
    assert boxes[:, 2].max() + template.BOX < template.HEIGHT - reach
    apart = np.abs(boxes[:, None, 1:] - boxes[None, :, 1:]).max(axis=2)
    assert apart[~np.eye(len(boxes), dtype=bool)].min() > template.BOX


@pytest.mark.parametrize("paper", template.PAPERS)
def test_the_pdf_has_the_paper_s_size(tmp_path, paper):
    template.write(tmp_path / "page.pdf", paper)
    text = (tmp_path / "page.pdf").read_bytes().decode("latin-1")
    box = text.split("/MediaBox [")[1].split("]")[0].split()
    found = [float(side) / 72 * 25.4 for side in box[2:]]
    assert found == pytest.approx(template.PAPERS[paper], abs=0.1)


def test_what_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(ValueError, match="A4, Letter, found 'A3'"):
        template.write(tmp_path / "page.pdf", "A3")
    with pytest.raises(template.NoTemplate, match="five black squares"):
        template.extract(written.picture("R"))
    sheet = filled()[0].copy()
    sheet.paste(255, (0, 0, sheet.width // 3, sheet.height // 10))
    with pytest.raises(pictures.Unreadable, match="five black squares"):
        template.extract(photographed(sheet))
    with pytest.raises(ValueError, match="'emnist' or 'mnist'"):
        template.extract(photographed(sheet), "EMNIST")
