"""Photographs: found and checked, or rendered; near-duplicates never straddle the two halves."""

import io
import zipfile

from helpers import data, handwriting
from helpers.archives import photographs, sample

import numpy as np
import pytest
import tiny
import written
from PIL import Image


def picture(letter, seed=0):
    """A small photograph of a character; another seed gives another hand."""
    noise = np.random.default_rng(seed).normal(0, 0.02, (30, 24))
    sheet = written.picture(letter, 14, (24, 30)) + noise
    return Image.fromarray(np.round(255 * np.clip(sheet, 0, 1)).astype(np.uint8))


def write_archive(folder, members):
    """An archive of pictures, or of bytes, where the course looks for it."""
    path = folder / photographs.ARCHIVE
    path.parent.mkdir(parents=True)
    with zipfile.ZipFile(path, "w") as zipped:
        for name, content in members.items():
            stream = io.BytesIO(content if isinstance(content, bytes) else b"")
            if not isinstance(content, bytes):
                content.save(stream, "PNG")
            zipped.writestr(name, stream.getvalue())
    return path


def pictures_of_all(count):
    """So many pictures of each character, by their names in an archive; the last come first."""
    return {name: picture("A") for name in reversed(tiny.photograph_names(count))}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    return tmp_path


def test_an_archive_is_read_in_the_order_of_labels_and_numbers(folder):
    one = {"L_a/1.png": picture("a").resize((25, 31))}
    write_archive(folder, pictures_of_all(2) | one | {"notes.txt": b"x"})
    found = photographs.load()
    assert found.labels.tolist() == [label for label in range(62) for _ in range(2)]
    assert not found.sample
    sizes = [one.size for one in found.pictures]
    assert sizes.index((25, 31)) == 73 and sizes.count((24, 30)) == 123
    assert sample.CHARACTERS[36] == "a" == data.CLASSES["emnist/byclass"][36]


def test_the_quick_tier_takes_a_few_of_each(folder, monkeypatch):
    write_archive(folder, pictures_of_all(photographs.QUICK + 3))
    assert len(photographs.load()) == 62 * (photographs.QUICK + 3)
    monkeypatch.setenv("COURSE_TIER", "quick")
    assert len(photographs.load()) == 62 * photographs.QUICK


@pytest.mark.parametrize("tier", ["full", "quick"])
@pytest.mark.parametrize("source", [None, "sample"])
def test_an_archive_of_your_own_is_read_whole_wherever_it_lies(source, tier, tmp_path, monkeypatch):
    """As the drawing page saves them."""
    names = ["U_A/0.png", f"U_A/{photographs.QUICK + 5}.png", "D_7/1.png"]
    path = write_archive(tmp_path, {name: picture("A") for name in names})
    own = path.rename(tmp_path / "my_characters.zip")
    monkeypatch.setenv("COURSE_TIER", tier)
    if source:
        monkeypatch.setenv("COURSE_DATA", source)
    else:
        monkeypatch.delenv("COURSE_DATA", raising=False)
    for place in (own, str(own)):
        found = photographs.load(place)
        assert found.labels.tolist() == [7, 10, 10] and not found.sample


def test_an_archive_of_your_own_that_is_missing_or_damaged_is_named(tmp_path):
    own = tmp_path / "my_characters.zip"
    with pytest.raises(data.DataUnavailable, match=r"my_characters\.zip, found none.*page to draw"):
        photographs.load(own)
    with pytest.raises(ValueError, match=r"archive or rendered=True, found both"):
        photographs.load(own, rendered=True)
    own.write_bytes(b"no archive")
    with pytest.raises(data.DataUnavailable, match=r"my_characters\.zip .*Save it again") as error:
        photographs.load(own)
    assert "rendered" not in str(error.value)


@pytest.mark.parametrize(
    ("right", "wrong", "found"),
    [
        (b"L_z/1.png", b"M_z/1.png", "BadZipFile: File name in directory 'M_z/1.png' and header"),
        (b"U_A/1.png", b"U_A/7.png", "BadZipFile: File name in directory 'U_A/7.png' and header"),
        (b"PK\5\6", None, "124 in the table of contents, 125 at its end"),
    ],
)
def test_an_archive_that_hides_a_picture_is_refused(folder, right, wrong, found):
    """A damaged table of contents: a name in it, or its length."""
    path = write_archive(folder, pictures_of_all(2))
    content = bytearray(path.read_bytes())
    at = content.rindex(right)
    if wrong:
        content[at : at + len(wrong)] = wrong
    else:
        content[at + 10] += 1
    path.write_bytes(content)
    with pytest.raises(data.DataUnavailable, match=found):
        photographs.load()


def test_where_there_is_no_archive_it_says_what_to_do(folder, monkeypatch):
    with pytest.raises(data.DataUnavailable, match=r"expected .* found none.*rendered=True"):
        photographs.load()
    assert photographs.load(rendered=True).sample
    monkeypatch.delenv("COURSE_DATA")
    with pytest.raises(data.DataUnavailable, match="cannot download it"):
        photographs.load()


@pytest.mark.parametrize("members", [{"U_A/0.png": b"no picture"}, {"a/0.png": picture("A")}])
def test_another_archive_is_refused(folder, members):
    write_archive(folder, members)
    with pytest.raises(data.DataUnavailable, match=r"named like U_A/0\.png") as error:
        photographs.load()
    assert "Put a good copy in its place" in str(error.value)


def test_a_damaged_archive_is_refused(folder):
    path = write_archive(folder, {"U_A/0.png": picture("A")})
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(data.DataUnavailable, match="BadZipFile"):
        photographs.load()


def test_the_sample_is_rendered_the_same_every_time_and_can_be_prepared(monkeypatch):
    monkeypatch.setenv("COURSE_DATA", "sample")
    found, again = photographs.load(), photographs.load()
    assert found.sample and np.bincount(found.labels).tolist() == [photographs.QUICK] * 62
    pairs = zip(found.pictures, again.pictures, strict=True)
    assert all(one.tobytes() == other.tobytes() for one, other in pairs)
    for one in found.part(np.arange(len(found)) % 5 == 0).pictures:
        assert handwriting.prepare(one).max() == 255


def groups_of(pictures):
    return photographs.near_duplicates(
        photographs.Photographs(pictures, np.zeros(len(pictures), int), sample=False)
    ).tolist()


def test_the_same_picture_in_other_light_or_cut_a_little_is_a_near_duplicate():
    first = picture("R")
    darker = Image.fromarray((np.asarray(first) * np.linspace(0.6, 0.9, 24)).astype(np.uint8))
    larger = first.resize((48, 60))
    a, b, c, d, e = groups_of([first, picture("B"), darker, picture("7"), larger])
    assert a == c == e and len({a, b, d}) == 3


def test_no_group_straddles_the_halves_and_classes_stay_even():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(5), 40)
    groups = np.unique(labels * 20 + rng.integers(0, 20, 200), return_inverse=True)[1]
    first = photographs.halves(labels, groups)
    sides = [set(first[groups == group]) for group in range(groups.max() + 1)]
    assert all(len(side) == 1 for side in sides)
    assert np.abs(np.bincount(labels[first]) - 20).max() <= 4
    assert np.array_equal(first, photographs.halves(labels, groups))
    assert not np.array_equal(first, photographs.halves(labels, groups, seed=1))


def test_a_part_keeps_pictures_and_labels_together():
    pictures = [picture(letter) for letter in "ABC"]
    part = photographs.Photographs(pictures, np.array([10, 11, 12]), sample=False).part(
        np.array([True, False, True])
    )
    assert part.pictures == [pictures[0], pictures[2]] and part.labels.tolist() == [10, 12]
    assert len(part) == 2
