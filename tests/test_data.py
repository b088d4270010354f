"""Data sets are upright, complete or said not to be, read-only, and split as asked."""

import gzip
import hashlib
import zipfile

from helpers import data
from helpers.archives import download

import numpy as np
import pytest
import tiny

COUNTS = {name: len(classes) for name, classes in data.CLASSES.items()}


@pytest.fixture(autouse=True)
def caches(own_caches):
    pass


@pytest.fixture
def sample(monkeypatch):
    monkeypatch.setenv("COURSE_DATA", "sample")


# --- what is in a file arrives as it is ------------------------------------------------------


def test_letters_come_upright_with_labels_from_zero(letters):
    loaded = data.load("emnist/letters")
    for seed, (split, count) in enumerate(((loaded.train, 60), (loaded.test, 30))):
        images, labels = tiny.arrays(count, **tiny.LETTERS, seed=seed)
        assert np.array_equal(split.images, images)
        assert np.array_equal(split.labels, labels - 1)
        assert split.labels.min() == 0 and split.labels.max() == 25


def test_an_asymmetric_letter_is_upright_and_a_transposing_archive_shows(letters):
    upright = np.repeat(tiny.letter_l()[None], 30, axis=0)
    tiny.write_zip(letters, tiny.emnist_members(counts=(30, 30), images=upright))
    loaded = data.load("emnist/letters").train.images
    assert np.array_equal(loaded, upright)
    assert not np.array_equal(loaded, upright.swapaxes(1, 2))


@pytest.mark.parametrize("split", ["byclass", "bymerge", "balanced", "digits", "mnist"])
def test_other_splits_have_labels_as_published(letters, split):
    classes = COUNTS[f"emnist/{split}"]
    members = tiny.emnist_members(split, (70, 65), classes, first_label=0)
    tiny.write_zip(letters, members)
    loaded = data.load(f"emnist/{split}")
    images, labels = tiny.arrays(70, classes)
    assert np.array_equal(loaded.train.images, images)
    assert np.array_equal(loaded.train.labels, labels)


def test_mnist_from_a_folder_is_as_stored(fresh_cache, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA", str(tiny.write_mnist(tmp_path, tiny.mnist_files())))
    loaded = data.load("mnist")
    images, labels = tiny.arrays(60, 10)
    assert np.array_equal(loaded.train.images, images)
    assert np.array_equal(loaded.train.labels, labels)
    assert not loaded.complete


def test_what_is_not_the_published_archive_says_how_much_is_missing(letters):
    loaded = data.load("emnist/letters")
    assert not loaded.complete
    assert loaded.describe() == (
        "emnist/letters: 26 classes, 60 of 124,800 train and 30 of 20,800 test images, incomplete"
    )


@pytest.fixture
def mnist(fresh_cache, monkeypatch, tmp_path):
    """The path of a folder with tiny MNIST files, which COURSE_DATA names."""
    monkeypatch.setenv("COURSE_DATA", str(tiny.write_mnist(tmp_path, tiny.mnist_files())))
    return tmp_path / "mnist"


def test_as_many_images_under_mnist_s_names_are_said_to_be_others(mnist):
    for stem, count in (("train", 60_000), ("t10k", 10_000)):
        images, labels = np.zeros((count, 28, 28)), np.arange(count) % 10
        for name, array in (("images-idx3", images), ("labels-idx1", labels)):
            packed = gzip.compress(tiny.idx(array), compresslevel=1)
            (mnist / f"{stem}-{name}-ubyte.gz").write_bytes(packed)
    loaded = data.load("mnist")
    assert not loaded.complete
    assert loaded.describe() == (
        "mnist: 10 classes, 60,000 train and 10,000 test images, "
        "not the publisher's images or labels"
    )
    assert loaded.with_validation().describe() == loaded.describe()


@pytest.mark.parametrize(
    "published, end",
    [
        ((60, 30), "60 train and 30 test images, not the publisher's archive"),
        ((59, 30), "60 of 59 train and 30 test images, not the publisher's archive"),
        ((61, 30), "60 of 61 train and 30 test images, incomplete"),
        ((60, 31), "60 train and 30 of 31 test images, incomplete"),
    ],
)
def test_fewer_images_are_incomplete_and_as_many_are_from_another_archive(
    letters, monkeypatch, published, end
):
    monkeypatch.setitem(data.PUBLISHED, "emnist/letters", published)
    loaded = data.load("emnist/letters")
    assert not loaded.complete
    assert loaded.describe() == f"emnist/letters: 26 classes, {end}"
    monkeypatch.setattr(download, "EMNIST_MD5", hashlib.md5(letters.read_bytes()).hexdigest())
    letters.touch()  # so that it is looked at again
    assert data.load("emnist/letters").complete


@pytest.mark.parametrize(
    "name, near",
    [
        ("minst", "mnist"),
        ("emnist/leters", "emnist/letters"),
        ("emnist/by-class", "emnist/byclass"),
    ],
)
def test_an_unknown_name_suggests_the_nearest(name, near):
    with pytest.raises(ValueError) as error:
        data.load(name)
    tiny.explains(error, repr(name), f"Did you mean {near!r}?", "emnist/bymerge")


# --- splits ----------------------------------------------------------------------------------


@pytest.fixture
def train(letters):
    return data.load("emnist/letters").train


@pytest.mark.parametrize(
    "index, rows",
    [
        (3, [3]),
        (-1, [59]),
        (-2, [58]),
        (np.int64(5), [5]),
        (slice(2, 9), range(2, 9)),
        (slice(None, None, 7), range(0, 60, 7)),
        ([4, 1, 4], [4, 1, 4]),
        (np.arange(60) % 2 == 0, range(0, 60, 2)),
    ],
    ids=str,
)
def test_an_index_of_a_split_gives_a_read_only_split(train, index, rows):
    part, rows = train[index], list(rows)
    assert isinstance(part, data.Split) and len(part) == len(rows)
    assert part.images.shape == (len(rows), 28, 28) and part.images.dtype == np.uint8
    assert np.array_equal(part.images, np.array(train.images)[rows])
    assert np.array_equal(part.labels, train.labels[rows])
    for array in (part.images, part.labels):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_a_split_knows_which_part_of_a_data_set_it_is_from(letters):
    loaded = data.load("emnist/letters").with_validation(0.5)
    parts = [loaded.train, loaded.validation, loaded.test, loaded.train[3], loaded.test[:2]]
    assert [split.part for split in parts] == ["train", "train", "test", "train", "test"]
    assert data.Split(loaded.test.images, loaded.test.labels).part == ""


def test_images_are_mapped_from_disk_and_so_are_their_slices(train):
    for split in (train, train[10:20]):
        assert isinstance(split.images, np.memmap)
        assert split.images.flags.c_contiguous
        assert not isinstance(split.labels, np.memmap)  # a few bytes, wanted again and again
    assert np.shares_memory(train.images, train[10:20].images)


def test_a_split_made_by_hand_is_read_only_and_leaves_the_arrays_as_they_were():
    images, labels = tiny.arrays(5, 5)
    split = data.Split(images, labels)
    for array in (split.images, split.labels):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    assert np.shares_memory(split.images, images)
    images[0], labels[0] = 7, 3
    assert split.images[0, 0, 0] == 7 and split.labels[0] == 3


@pytest.mark.parametrize("index", [60, -61])
def test_an_index_outside_of_a_split_is_an_error(train, index):
    with pytest.raises(IndexError):
        train[index]


def test_a_loop_over_a_split_ends(train):
    assert [int(one.labels[0]) for one in train] == train.labels.tolist()


def test_a_split_says_what_it_is(train):
    assert repr(train) == "Split(60 images (28, 28), labels 0 … 25)"
    assert repr(train[:0]) == "Split(0 images (28, 28), labels - … -)"


# --- validation ------------------------------------------------------------------------------


def rows_of(split):
    """Images and labels as a list that can be compared as a multiset."""
    rows = zip(split.images, split.labels, strict=True)
    return sorted((image.tobytes(), int(label)) for image, label in rows)


def test_validation_takes_the_same_share_of_every_class(sample):
    whole = data.load("emnist/letters")
    parted = whole.with_validation(fraction=1 / 6)
    share = np.bincount(parted.validation.labels) / np.bincount(whole.train.labels)
    assert share.min() > 0.15 and share.max() < 0.18
    assert np.array_equal(parted.test.images, whole.test.images)


def test_validation_and_training_are_all_images_and_each_once(letters):
    tiny.write_zip(letters, tiny.emnist_members(counts=(260, 30)))
    whole = data.load("emnist/letters")
    parted = whole.with_validation(0.3)
    train, validation = rows_of(parted.train), rows_of(parted.validation)
    assert sorted(train + validation) == rows_of(whole.train)
    assert len(validation) == 78 and not set(train) & set(validation)
    assert whole.validation is None
    assert "260 of 124,800 train" in parted.describe()


def test_a_sixth_is_set_aside_by_seed_0_and_both_parts_keep_their_order(letters):
    tiny.write_zip(letters, tiny.emnist_members("letters", (260, 30)))
    whole = data.load("emnist/letters")
    names = {image.tobytes(): number for number, image in enumerate(whole.train.images)}
    parted, same = whole.with_validation(), whole.with_validation(1 / 6, seed=0)
    numbers = [
        [names[image.tobytes()] for image in split.images]
        for split in (parted.train, parted.validation)
    ]
    assert [len(part) for part in numbers] == [216, 44]  # 260 / 6 is 43.3
    assert numbers == [sorted(part) for part in numbers]
    assert np.array_equal(parted.validation.images, same.validation.images)
    for split in (parted.train, parted.validation):  # labels are still those of their images
        numbered = [names[image.tobytes()] for image in split.images]
        assert np.array_equal(split.labels, whole.train.labels[numbered])


def test_the_seed_decides_which_images_are_for_validation(sample):
    whole = data.load("mnist")
    first, same, other = (rows_of(whole.with_validation(0.2, s).validation) for s in (1, 1, 2))
    assert first == same and first != other


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 2, float("nan")])
def test_a_share_outside_of_0_to_1_is_explained(sample, fraction):
    with pytest.raises(ValueError) as error:
        data.load("mnist").with_validation(fraction)
    tiny.explains(error, f"fraction is {fraction}", "between 0 and 1")


def test_validation_is_set_aside_only_once(sample):
    with pytest.raises(ValueError, match=r"has a validation part already; load it afresh"):
        data.load("mnist").with_validation().with_validation()


# --- sample and tiers ------------------------------------------------------------------------


@pytest.mark.parametrize("name", data.CLASSES)
def test_every_name_loads_from_the_sample_with_all_its_classes(sample, name):
    loaded = data.load(name)
    assert loaded.name == name and loaded.classes == data.CLASSES[name]
    for split in (loaded.train, loaded.test):
        assert set(split.labels.tolist()) == set(range(COUNTS[name]))
        assert split.images.dtype == np.uint8 and split.images.shape[1:] == (28, 28)
        assert np.issubdtype(split.labels.dtype, np.integer)
    assert loaded.sample and not loaded.complete
    assert "built-in sample, not the real data" in loaded.describe()


DIGITS = "0 1 2 3 4 5 6 7 8 9"
MERGED_47 = (
    f"{DIGITS} A B Cc D E F G H Ii Jj Kk Ll Mm N Oo Pp Q R Ss T Uu Vv Ww Xx Yy Zz "
    "a b d e f g h n q r t"
)
BYCLASS_62 = (
    f"{DIGITS} A B C D E F G H I J K L M N O P Q R S T U V W X Y Z "
    "a b c d e f g h i j k l m n o p q r s t u v w x y z"
)
LETTERS_26 = "Aa Bb Cc Dd Ee Ff Gg Hh Ii Jj Kk Ll Mm Nn Oo Pp Qq Rr Ss Tt Uu Vv Ww Xx Yy Zz"


def test_classes_are_those_of_the_paper_in_the_order_of_the_labels():
    """As in arXiv:1702.05373, and in the mapping files beside the data."""
    expected = {
        "mnist": tuple(DIGITS.split()),
        "emnist/byclass": tuple(BYCLASS_62.split()),
        "emnist/bymerge": tuple(MERGED_47.split()),
        "emnist/balanced": tuple(MERGED_47.split()),
        "emnist/letters": tuple(LETTERS_26.split()),
        "emnist/digits": tuple(DIGITS.split()),
        "emnist/mnist": tuple(DIGITS.split()),
    }
    assert expected == data.CLASSES
    assert list(COUNTS.values()) == [10, 62, 47, 47, 26, 10, 10]
    assert data.MERGED == "CIJKLMOPSUVWXYZ"


def test_numbers_of_images_are_the_published_ones():
    """As LeCun's page has them, and NIST's: 814,255 twice, 131,600, 145,600, 280,000, 70,000."""
    assert data.PUBLISHED == {
        "mnist": (60_000, 10_000),
        "emnist/byclass": (697_932, 116_323),
        "emnist/bymerge": (697_932, 116_323),
        "emnist/balanced": (47 * 2_400, 47 * 400),
        "emnist/letters": (26 * 4_800, 26 * 800),
        "emnist/digits": (10 * 24_000, 10 * 4_000),
        "emnist/mnist": (10 * 6_000, 10 * 1_000),
    }


def test_the_quick_tier_is_a_few_thousand_images(sample, monkeypatch):
    full = data.load("emnist/byclass")
    monkeypatch.setenv("COURSE_TIER", "quick")
    monkeypatch.setattr(data, "QUICK_TRAIN", 200)
    monkeypatch.setattr(data, "QUICK_TEST", 100)
    quick = data.load("emnist/byclass")
    assert (len(quick.train), len(quick.test)) == (200, 100)
    assert np.array_equal(quick.train.images, full.train.images[:200])
    assert np.array_equal(quick.test.labels, full.test.labels[:100])


def test_the_quick_tier_takes_3000_and_1000_images(letters, monkeypatch):
    tiny.write_zip(letters, tiny.emnist_members(counts=(3001, 1001)))
    full = data.load("emnist/letters")
    monkeypatch.setenv("COURSE_TIER", "quick")
    quick = data.load("emnist/letters")
    assert (len(full.train), len(full.test)) == (3001, 1001)
    assert (len(quick.train), len(quick.test)) == (3000, 1000)


def test_the_quick_tier_is_never_complete(letters, monkeypatch):
    monkeypatch.setattr(download, "EMNIST_MD5", hashlib.md5(letters.read_bytes()).hexdigest())
    assert data.load("emnist/letters").complete
    monkeypatch.setenv("COURSE_TIER", "quick")
    assert not data.load("emnist/letters").complete


def test_a_misspelt_tier_is_explained(sample, monkeypatch):
    monkeypatch.setenv("COURSE_TIER", "quik")
    with pytest.raises(ValueError) as error:
        data.load("mnist")
    tiny.explains(error, "'quik'", "full, quick", "COURSE_TIER=quick")


# --- real data -------------------------------------------------------------------------------

MNIST_TRAIN = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
MNIST_TEST = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
AT_HAND = {
    "emnist/byclass": (99_706, 16_617),
    "emnist/bymerge": (99_845, 116_323),
    "emnist/balanced": (39_480, 6_580),
    "emnist/letters": (44_200, 7_800),
    "emnist/digits": (60_000, 10_000),
    "emnist/mnist": (17_368, 10_000),
}


@pytest.mark.real_data
def test_real_mnist_is_complete():
    loaded = data.load("mnist")
    assert np.bincount(loaded.train.labels).tolist() == MNIST_TRAIN
    assert np.bincount(loaded.test.labels).tolist() == MNIST_TEST
    assert loaded.complete
    assert loaded.describe() == ("mnist: 10 classes, 60,000 train and 10,000 test images, complete")


@pytest.mark.real_data
@pytest.mark.parametrize("name", AT_HAND)
def test_real_emnist_has_all_its_images_or_says_how_many(name):
    loaded = data.load(name)
    sizes = (len(loaded.train), len(loaded.test))
    assert sizes == (data.PUBLISHED[name] if loaded.complete else AT_HAND[name])
    assert set(loaded.train.labels.tolist()) == set(range(COUNTS[name]))
    for size, published in zip(sizes, data.PUBLISHED[name], strict=True):
        assert (f"{size:,} of {published:,}" in loaded.describe()) == (size != published)


@pytest.mark.real_data
@pytest.mark.parametrize("name", AT_HAND)
def test_classes_are_those_of_emnist_s_own_mapping(name):
    split = name.removeprefix("emnist/")
    with zipfile.ZipFile(download.emnist_archive(download.source())) as zipped:
        lines = zipped.read(f"gzip/emnist-{split}-mapping.txt").decode("ascii").splitlines()
    first_label = 1 if split == "letters" else 0
    for line in filter(None, lines):
        label, *codes = map(int, line.split())
        assert all(chr(code) in data.CLASSES[name][label - first_label] for code in codes)
    assert len([line for line in lines if line.strip()]) == COUNTS[name]


def mean_images(split, classes):
    """The mean image of every class, with mean 0: (classes, 28, 28)."""
    some = split[:20_000]
    means = np.array([some.images[some.labels == label].mean(axis=0) for label in range(classes)])
    return means - means.mean(axis=(1, 2), keepdims=True)


def looks_upright(images, patterns):
    """Whether four in five classes look more like the upright pattern than like its transpose."""
    upright, transposed = (
        (images * pattern).sum(axis=(1, 2)) for pattern in (patterns, patterns.swapaxes(1, 2))
    )
    return np.mean(upright > transposed) >= 0.8


@pytest.mark.real_data
@pytest.mark.parametrize("name", COUNTS)
def test_real_images_are_upright_and_transposed_ones_would_not_pass(name, monkeypatch):
    real = data.load(name)
    monkeypatch.setenv("COURSE_DATA", "sample")  # upright, from other sources
    patterns = mean_images(data.load(name).train, COUNTS[name])
    for split in (real.train, real.test):
        means = mean_images(split, COUNTS[name])
        assert looks_upright(means, patterns)
        assert not looks_upright(means.swapaxes(1, 2), patterns)
