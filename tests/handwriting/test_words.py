"""Words around characters: which reading of a word, a line, a page is the most probable."""

import sys

from helpers.handwriting import layout, words
from helpers.handwriting.probabilities import BYCLASS

import numpy as np
import pytest

CLASSES = tuple(BYCLASS)
EQUAL = np.full(62, 1 / 62)
ENGLISH = words.english()


def page(lines, low=0.62, jitter=0.0, seed=0, flat=False):
    """Characters of a page as `layout.characters` finds them; `low`: height of x by that of X."""
    rng, found, word = np.random.default_rng(seed), [], -1
    for number, line in enumerate(lines):
        left, base = 0, 100 * (number + 1)
        for part in line.split():
            word += 1
            for sign in part:
                high = low if sign in "acemnorsuvwxzgpqy" and not flat else 1
                top = base - 50 * high * (1 + rng.normal(0, jitter))
                bottom = base + (18 if sign in "gpqyj" and not flat else 0)
                box = (left, round(top), left + 30, round(bottom))
                found.append(layout.Character(box, (), np.ones(1), number, word))
                left += 40
            left += 60
    return found


def seen(text, wrong=(), sure=0.9999):
    """Probabilities that say `text`; wrong: {place: {sign: probability}} for some of them."""
    rows = np.full((len(text), 62), (1 - sure) / 61)
    rows[np.arange(len(text)), [CLASSES.index(sign) for sign in text]] = sure
    for place, signs in dict(wrong).items():
        rows[place] = (1 - sum(signs.values())) / (62 - len(signs))
        for sign, share in signs.items():
            rows[place, CLASSES.index(sign)] = share
    return rows


def evidence(rows):
    """Probabilities as evidence for each sign."""
    return np.log(rows[:, [CLASSES.index(sign) for sign in words.SIGNS]])


def for_first(found, first, second):
    """By how much evidence speaks for the first of two signs."""
    return found[words.SIGNS.index(first)] - found[words.SIGNS.index(second)]


def read(lines, wrong=(), classes=CLASSES, trained=EQUAL, rows=None, **settings):
    """What the page says, with spaces between words."""
    found = page(lines, **settings)
    text = "".join("".join(lines).split())
    rows = seen(text, wrong) if rows is None else rows
    names = words.in_words(found, rows, classes, ENGLISH, trained)
    return layout.text(found, names).replace("\n", " ")


@pytest.mark.parametrize("line, place, signs", [
    ("the house stood", 4, {"0": 0.6, "O": 0.3, "o": 0.09}),
    ("the quick fox", 4, {"g": 0.6, "9": 0.2, "u": 0.15}),
    ("jumps over lazy dogs", 9, {"1": 0.7, "I": 0.2, "l": 0.09}),
    ("read it again", 4, {"1": 0.7, "l": 0.2, "i": 0.05}),
    ("seven words", 2, {"V": 0.7, "v": 0.25}),
])  # fmt: skip
def test_a_word_says_what_one_of_its_characters_is(line, place, signs):
    assert read([line], {place: signs}) == line


def test_the_words_beside_it_decide_between_two_words():
    doubt = {"f": 0.42, "t": 0.42}
    assert read(["a bowl of fish"], {5: {"o": 0.9}, 6: doubt}) == "a bowl of fish"
    line = "from time fo time"
    assert read([line], {8: {"f": 0.5, "t": 0.4}}) == "from time to time"
    assert read(["look af home"], {5: {"f": 0.45, "t": 0.45}}) == "look at home"


@pytest.mark.parametrize("text", [
    "Ada Lovelace", "Kowalczyk", "Szymborska met Grass", "Novak met Quixley",
    "1986", "3 of 14", "room 204", "B52", "H2O", "A4 sheet",
])  # fmt: skip
def test_names_and_numbers_that_are_seen_clearly_survive(text):
    assert read([text]) == text


def test_a_number_that_looks_like_a_word_is_what_it_more_probably_is():
    doubt = {0: {"1": 0.6, "I": 0.2, "l": 0.15}, 1: {"0": 0.6, "O": 0.25, "o": 0.1}}
    assert read(["10"], doubt) == "10"
    assert read(["104"], doubt) == "104"
    assert read(["look"], {1: {"0": 0.6, "o": 0.2}, 2: {"0": 0.6, "o": 0.2}}) == "look"


def test_a_name_next_to_a_word_is_read_as_it_is_seen():
    assert read(["mr thamas"]) == "mr thamas"
    assert read(["mr thamas"], {4: {"a": 0.4, "o": 0.4}}) == "mr thomas"


def test_the_case_of_a_page_is_seen_from_all_of_it():
    alike = {place: {sign: 0.5, sign.lower(): 0.45} for place, sign in ((6, "O"), (10, "S"))}
    capitals = ["HOUSES OF MANY"]
    assert read(capitals, alike, flat=True) == "HOUSES OF MANY"
    small = {place: {sign: 0.45, sign.upper(): 0.5} for place, sign in ((1, "o"), (3, "s"))}
    assert read(["houses of many"], small, flat=True) == "houses of many"


@pytest.mark.parametrize("line", ["Cows", "cows", "COWS", "Vow", "vow", "Sox", "Zoo"])
def test_height_decides_where_shape_cannot(line):
    lines = ["the hand and a tree", line]
    text = "".join("".join(lines).split())
    alike = "cowsvxz"
    rows = seen(text)
    for place, sign in enumerate(text):
        if sign.lower() in alike and place >= 15:
            rows[place] = seen("a", {0: {sign.lower(): 0.4999, sign.upper(): 0.4999}})[0]
    assert read(lines, rows=rows, jitter=0.06).split(" ")[-1] == line


def test_heights_say_less_where_they_keep_to_nothing():
    text = "thehandandatreeo"
    lines = ["the hand and a tree", "o"]
    signs = evidence(seen(text, {15: {"o": 0.49, "O": 0.49}}))

    def gained(**settings):
        return for_first(words.heights(page(lines, **settings), signs)[15], "o", "O")

    assert gained() > 2
    assert abs(gained(flat=True)) < 0.7 * gained()
    assert gained(jitter=0.5, seed=3) < gained()


def test_without_characters_to_measure_by_heights_say_nothing():
    signs = evidence(seen("oso", {k: {"o": 0.49, "O": 0.49} for k in range(3)}))
    clear = [words.SIGNS.index(sign) for sign in words.CLEAR_LOW + words.CLEAR_HIGH]
    signs[:, clear] = -50
    assert not words.heights(page(["oso"]), signs).any()


def test_p_hangs_and_capital_p_stands():
    doubt = {1: {"p": 0.49, "P": 0.49}}
    assert read(["ape had"], doubt) == "ape had"
    found = words.heights(page(["ape had"]), evidence(seen("apehad", doubt)))[1]
    assert for_first(found, "p", "P") > 2


def test_what_training_expects_is_taken_away():
    doubt = {0: {"0": 0.7, "D": 0.29}}
    digits = np.array([20.0 if sign.isdigit() else 1.0 for sign in CLASSES])
    number = read(["0a"], doubt, trained=EQUAL, flat=True)
    letter = read(["0a"], doubt, trained=digits / digits.sum(), flat=True)
    assert number[0] == "0" and letter[0] == "D"


MERGED = (*"0123456789ABDEFGHNQRT", *("CIJKLMOPSUVWXYZ"), *"abdefghnqrt")
NAMES = tuple(name + name.lower() if name in "CIJKLMOPSUVWXYZ" else name for name in MERGED)


def test_a_class_of_both_cases_is_read_in_the_case_of_its_word():
    text, lines = "thecatsat", ["the cat sat"]
    rows = np.full((len(text), len(NAMES)), 0.001)
    for place, sign in enumerate(text):
        rows[place, [i for i, name in enumerate(NAMES) if sign in name]] = 0.95
    equal = np.full(len(NAMES), 1 / len(NAMES))
    assert read(lines, classes=NAMES, trained=equal, rows=rows) == "the cat sat"


def test_what_is_ruled_out_on_a_page_is_not_read():
    rows = seen("1O0", {1: {"O": 0.6, "0": 0.3}})
    rows[:, 10:] = 0
    assert read(["1O0"], rows=rows) == "100"


def test_classes_of_other_signs_are_read_one_by_one():
    classes = ("?", *CLASSES[1:])
    rows = seen("10", {1: {"0": 0.99}})
    names = words.in_words(page(["10"]), rows, classes, ENGLISH, EQUAL)
    assert names == ["1", "?"]


def test_words_of_another_language():
    german = words.Words({"der": 5, "das": 4, "haus": 2}, {"das haus": 2})
    rows = seen("dashaus", {1: {"o": 0.4, "a": 0.35}, 4: {"o": 0.4, "a": 0.35}})
    names = words.in_words(page(["das haus"]), rows, CLASSES, german, EQUAL)
    assert "".join(names) == "dashaus"


def test_shares_of_letters_and_pairs_by_hand():
    few = words.Words({"ab": 3, "ba": 1}, {"ab ba": 1, "ab ab": 6})
    assert few.total == 4
    assert few.after("ab", ["ba", "ab", "b"]) == [1 / 3, 1, 0]  # counted in another way: at most 1
    assert few.after("", ["ba"]) == [0]
    assert np.exp(few.letters).sum(axis=1) == pytest.approx(np.ones(27))
    assert few.letters[26, 0] > few.letters[26, 1] > few.letters[26, 2]


def test_the_words_of_english_are_those_of_the_package():
    assert len(ENGLISH.counts) > 82_000 and len(ENGLISH.pairs) > 242_000
    assert max(ENGLISH.counts, key=ENGLISH.counts.get) == "the"
    assert "dont" in ENGLISH.counts and not any("'" in word for word in ENGLISH.counts)
    assert all(word.isascii() and word.isalpha() and word.islower() for word in ENGLISH.counts)


def test_a_missing_package_is_named(monkeypatch):
    words.english.cache_clear()
    monkeypatch.setitem(sys.modules, "symspellpy", None)
    with pytest.raises(words.NoWords, match=r"package symspellpy.*pass words=False"):
        words.english()
    words.english.cache_clear()
