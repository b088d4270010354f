"""What stands around a character: the word it is in, the words beside it, its height in the line.

A reading is chosen as a whole (a noisy channel): how probable is this word here, times how probable
are these images if that word was written. Names and numbers may be any; they only cost more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources
from itertools import pairwise

from helpers.handwriting.layout import Character

import numpy as np

DIGITS, SMALL, LARGE = "0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SIGNS = DIGITS + SMALL + LARGE
"""What a word can be made of, in the order in which evidence for it is kept."""

SURE = 0.8
"""Log probabilities of a network count so much: on other hands it is surer than it is right."""

LEAST = 1e-6
"""A network's probability is at least this, so that one character never decides about a word."""

NEVER = -60.0
"""Evidence for a sign that the network has no class for, or that is ruled out on this page."""

KINDS = {"listed": 0.86, "name": 0.06, "number": 0.06, "any": 0.02}
"""How probable a word of each kind is, before a page is seen."""

CASES = {"small": 0.75, "first": 0.2, "large": 0.05}
"""How probable a word in small letters, with one capital, in capitals is, before a page is seen."""

SEEN = 5
"""What is expected before a page is seen counts as much as so many words of it."""

CANDIDATES = 12
"""So many words of each case are compared with the words beside them."""

PAIRS = 0.6
"""How much the pairs count, of two words, against the second word alone."""

# --- the words of a language ------------------------------------------------------------------


class NoWords(ImportError):
    """The package that brings the words is missing."""


@dataclass(frozen=True, eq=False)
class Words:
    """Words of a language, and how often each stands there, alone and after another.

    Attributes:
        counts: how often each word stands, in small letters of a to z.
        pairs: how often two words, divided by a space, stand one after the other.
    """

    counts: dict[str, float]
    pairs: dict[str, float]

    @cached_property
    def total(self) -> float:
        """How many words were counted."""
        return sum(self.counts.values())

    @cached_property
    def by_length(self) -> dict[int, "_Listed"]:
        """The words of each length."""
        found: dict[int, list[str]] = {}
        for word in self.counts:
            found.setdefault(len(word), []).append(word)
        return {length: _Listed.of(some, self.counts, self.total) for length, some in found.items()}

    @cached_property
    def letters(self) -> np.ndarray:
        """Log probability of a letter after another, (27, 27); the last one is a word's edge."""
        count = np.full((27, 27), 0.5)
        for listed in self.by_length.values():
            weight = (
                np.exp(listed.shares + np.log(self.total)) ** 0.25
            )  # kinds of words, not theirs
            edge = np.full((1, listed.columns.shape[1]), 26)
            whole = np.vstack([edge, listed.columns, edge])
            for first, second in pairwise(whole):
                count += np.bincount(27 * first + second, weight, 27 * 27).reshape(27, 27)
        return np.log(count / count.sum(axis=1, keepdims=True))

    def after(self, before: str, some: Sequence[str]) -> list[float]:
        """The probability of each of some words after another, as far as it was counted."""
        count = self.counts.get(before)
        if not count:
            return [0.0] * len(some)
        return [min(self.pairs.get(f"{before} {word}", 0) / count, 1) for word in some]


@dataclass(frozen=True, eq=False)
class _Listed:
    """Words of one length: columns of letters as numbers (length, n), log shares (n,)."""

    columns: np.ndarray
    shares: np.ndarray

    @classmethod
    def of(cls, some: list[str], counts: dict[str, float], total: float) -> "_Listed":
        """Words of one length."""
        signs = np.frombuffer("".join(some).encode(), np.uint8).reshape(len(some), -1)
        shares = np.log([counts[word] / total for word in some])
        return cls(np.ascontiguousarray(signs.T) - ord("a"), shares.astype(np.float32))


@lru_cache(maxsize=1)
def english() -> Words:
    """82,765 words of English and 242,342 pairs, with their counts in Google's books.

    They come with the package symspellpy (MIT licence), which unites Google Books Ngram with the
    word lists of SCOWL.

    Raises:
        NoWords: the package is not installed.
    """
    try:
        folder = resources.files("symspellpy")
    except ModuleNotFoundError as error:
        raise NoWords(
            "Expected the package symspellpy, which brings the words of English, found none. "
            "Install it (pip install symspellpy), or pass words=False."
        ) from error
    counts: dict[str, float] = {}
    for line in (folder / WORD_FILE).read_text(encoding="utf-8-sig").splitlines():
        word, count = line.split()
        word = word.replace("'", "")
        if word.isascii() and word.isalpha():
            counts[word] = counts.get(word, 0) + float(count)
    lines = (folder / PAIR_FILE).read_text(encoding="utf-8-sig").splitlines()
    pairs = {pair: float(count) for pair, count in (line.rsplit(" ", 1) for line in lines)}
    return Words(counts, pairs)


WORD_FILE = "frequency_dictionary_en_82_765.txt"
PAIR_FILE = "frequency_bigramdictionary_en_243_342.txt"

# --- a page in words --------------------------------------------------------------------------


def in_words(
    found: Sequence[Character],
    probabilities: np.ndarray,
    classes: Sequence[str],
    words: Words,
    trained: Sequence[float],
) -> list[str]:
    """What each character of a page is, read as a part of its word.

    Args:
        found: the page's characters, as `layout.characters` returns them.
        probabilities: float (n, k), what the network says about each.
        classes: k names; "Cc" may be either case.
        words: of the language.
        trained: the share of each class in the training data, (k,); none is 0.

    Returns:
        n names of one character each.

    Source: noisy channel and word pairs as in Jurafsky, Martin, Speech and Language Processing
    (3rd ed.), chapters 3 and B. Taught in notebook 21.
    """
    names = [name[0] for name in classes]
    if not set(names) <= set(SIGNS):
        return [names[index] for index in probabilities.argmax(axis=1)]
    evidence = SURE * (np.log(np.maximum(probabilities, LEAST)) - np.log(trained))
    evidence[:, ~probabilities.any(axis=0)] = NEVER
    signs = np.stack([_evidence(evidence, classes, sign) for sign in SIGNS], axis=1)
    signs += heights(found, signs)
    starts = [i for i, one in enumerate(found) if not i or one.word != found[i - 1].word]
    parts = np.split(signs, starts[1:])
    lists = [_readings(part, words) for part in parts]
    steps, kinds, cases = _steps(lists, words), KINDS, CASES
    for _ in range(2):  # what kinds of words the page has is seen from the words themselves
        chosen = _best(lists, steps, kinds, cases)
        kinds = _shares(KINDS, [one.kind for one in chosen])
        cases = _shares(CASES, [one.case for one in chosen if one.case])
    return list("".join(one.text for one in _best(lists, steps, kinds, cases)))


def _evidence(evidence: np.ndarray, classes: Sequence[str], sign: str) -> np.ndarray:
    """How well a sign fits each image: what its class, or the one that it shares, got; (n,)."""
    places = [place for place, name in enumerate(classes) if name[0] == sign]
    places = places or [place for place, name in enumerate(classes) if sign in name]
    if not places:
        return np.full(len(evidence), NEVER)
    return evidence[:, places].max(axis=1)


@dataclass(frozen=True)
class _Reading:
    """One way to read a word: text, kind, case, how well it fits, log probability in its kind."""

    text: str
    kind: str
    case: str
    fit: float
    alone: float


def _readings(signs: np.ndarray, words: Words) -> list[_Reading]:
    """The best readings of one word; signs: evidence for digits, small, large letters, (n, 62)."""
    places, listed = np.arange(len(signs)), words.by_length.get(len(signs))
    best = signs.argmax(axis=1)
    text, fit = "".join(SIGNS[index] for index in best), signs.max(axis=1).sum()
    found = [_Reading(text, "any", "", fit, -len(signs) * np.log(62))]
    best = signs[:, :10].argmax(axis=1)
    text, fit = "".join(DIGITS[index] for index in best), signs[places, best].sum()
    found.append(_Reading(text, "number", "", fit, -len(signs) * np.log(10)))
    small, large = signs[:, 10:36], signs[:, 36:]
    first = np.vstack([large[:1], small[1:]])
    for case, part in (("small", small), ("first", first), ("large", large)):
        if case == "large" and len(signs) == 1:
            continue  # the same as "first"
        letters, alone = _name(part, words.letters)
        fit = part[places, letters].sum()
        found.append(_Reading(_text(letters, case), "name", case, fit, alone))
        if listed:
            fits = sum(row[column] for row, column in zip(part, listed.columns, strict=True))
            total = fits + listed.shares
            for at in np.argpartition(-total, min(CANDIDATES, len(total) - 1))[:CANDIDATES]:
                text = _text(listed.columns[:, at], case)
                found.append(_Reading(text, "listed", case, fits[at], listed.shares[at]))
    return found


def _name(part: np.ndarray, letters: np.ndarray) -> tuple[np.ndarray, float]:
    """The most probable letters where any may stand (Viterbi), and their log probability."""
    score, back = letters[26, :26] + part[0], []
    for row in part[1:]:
        every = score[:, None] + letters[:26, :26]
        back.append(every.argmax(axis=0))
        score = every.max(axis=0) + row
    last = (score + letters[:26, 26]).argmax()
    path = [last]
    for pointers in reversed(back):
        path.append(pointers[path[-1]])
    chosen = np.array(path[::-1])
    edges = [26, *chosen, 26]
    return chosen, float(sum(letters[pair] for pair in pairwise(edges)))


def _text(letters: np.ndarray, case: str) -> str:
    """Numbers of letters as text."""
    text = "".join(SMALL[index] for index in letters)
    return text.upper() if case == "large" else text.capitalize() if case == "first" else text


def _shares(expected: dict[str, float], seen: list[str]) -> dict[str, float]:
    """What is expected, and what was seen on the page, together."""
    return {
        name: (SEEN * share + seen.count(name)) / (SEEN + len(seen))
        for name, share in expected.items()
    }


def _steps(lists: list[list[_Reading]], words: Words) -> list[np.ndarray]:
    """Log probability of each reading of a word after each of the word before, for all words."""
    before, steps = [_Reading("", "", "", 0, 0)], []
    for readings in lists:
        alone = np.array([one.alone for one in readings])
        listed = np.array([one.kind == "listed" for one in readings])
        pairs = np.array(
            [
                words.after(old.text.lower(), [one.text.lower() for one in readings])
                for old in before
            ]
        )
        after = np.log(PAIRS * pairs + (1 - PAIRS) * np.exp(alone))
        steps.append(np.where(listed, after, alone))
        before = readings
    return steps


def _best(
    lists: list[list[_Reading]],
    steps: list[np.ndarray],
    kinds: dict[str, float],
    cases: dict[str, float],
) -> list[_Reading]:
    """The most probable reading of each word, all words of the page together (Viterbi)."""
    scores, back = np.zeros(1), []
    for readings, step in zip(lists, steps, strict=True):
        every = scores[:, None] + step
        back.append(every.argmax(axis=0))
        scores = every.max(axis=0) + [
            one.fit + np.log(kinds[one.kind] * cases.get(one.case, 1)) for one in readings
        ]
    place, chosen = scores.argmax(), []
    for readings, pointers in zip(reversed(lists), reversed(back), strict=True):
        chosen.append(readings[place])
        place = pointers[place]
    return chosen[::-1]


# --- the height in the line -------------------------------------------------------------------

RATIO, SPREAD = 0.62, 0.15
"""Height of x by that of X, and how much heights vary, by that of X, before a page is seen."""

HANGING = 0.35
"""How far g, p, q, y and j hang below the line, by the height of X."""

LOW, HANG = "acemnorsuvwxz", "gpqy"
CLEAR_LOW, CLEAR_HIGH = "aenr", "ABDEFGHLNQRTbdfhkt3467"
"""Signs that are told from those of other heights by their shape."""


def heights(found: Sequence[Character], signs: np.ndarray) -> np.ndarray:
    """How well the height of each character in its line speaks for each sign.

    Of c and C, o and O, s and S the shape is the same; the height is not, measured by characters
    of the page whose shape tells which they are: X is as high as b, x as a. How much heights say
    depends on how well those of the page keep to that.

    Args:
        found: the page's characters.
        signs: evidence by shape for digits, small and large letters, float (n, 62).

    Returns:
        float (n, 62), log likelihoods; 0 where the page has no characters to measure by.
    """
    best = np.array([SIGNS[index] for index in signs.argmax(axis=1)])
    boxes, lines = np.array([one.box for one in found], float), [one.line for one in found]
    low, high = np.isin(best, list(CLEAR_LOW)), np.isin(best, list(CLEAR_HIGH))
    above, below = np.empty(len(found)), np.empty(len(found))
    for line in np.unique(lines):
        here = np.flatnonzero(lines == line)
        level = _level(boxes[here], best[here])
        above[here], below[here] = level - boxes[here, 1], boxes[here, 3] - level
    if not (low | high).any():
        return np.zeros_like(signs)
    size, ratio = _sizes(above, low, high)
    expected = np.where(low, ratio, 1)[low | high]
    measured = above[low | high] / size
    count, off = len(measured), np.median(np.abs(measured - expected)) * 1.48
    spread = np.sqrt((count * off**2 + 10 * SPREAD**2) / (count + 10))
    result = np.zeros_like(signs)
    for place, sign in enumerate(SIGNS):
        top = ratio if sign in LOW + HANG else 1
        bottom = HANGING if sign in HANG + "j" else 0
        result[:, place] = _likely(above / size - top, spread) + _likely(
            below / size - bottom, spread
        )
    return result


def _level(boxes: np.ndarray, best: np.ndarray) -> float:
    """Where a line's characters stand: most of their lower edges, without those that hang."""
    stand = ~np.isin(best, list(HANG + "jJQ"))
    return np.median(boxes[stand if stand.any() else slice(None), 3])


def _sizes(above: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[float, float]:
    """The height of X in pixels, and that of x by it."""
    if not high.any():
        return np.median(above[low]) / RATIO, RATIO
    size = np.median(above[high])
    count = min(low.sum(), high.sum())
    seen = np.median(above[low]) / size if count else RATIO
    return size, (count * seen + 5 * RATIO) / (count + 5)


def _likely(off: np.ndarray, spread: float) -> np.ndarray:
    """Log likelihood of an offset; one in twenty is anywhere."""
    return np.log(0.95 * np.exp(-0.5 * (off / spread) ** 2) + 0.05)
