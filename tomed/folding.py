"""Text without case, accents and scripts that know no spaces: keys for order, words for search.

Pure. The same folding makes the index and reads the question, so that they always agree; when it
changes, ``VERSION`` must change with it, which has every book read again.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

T = TypeVar("T")

VERSION = 1

_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŧ": "t", "’": "'"}
)
_ACCENTS = re.compile(
    "["
    + "".join(
        sign
        for sign in map(chr, range(0x300, 0x10000))
        if (combining := unicodedata.combining(sign)) and (combining == 1 or 10 <= combining <= 36 or combining >= 200)
    )
    + "]+"
)
_DIGITS = re.compile(r"\d+")
_LEADING = re.compile(r"^[^\w]+(?=\w)")
_WORD = re.compile(r"\w")
# Scripts written without spaces: each sign is a word of its own, and a question becomes a phrase of signs.
_UNSPACED = re.compile(
    "(["
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Burmese, Khmer
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"  # kana and iteration marks
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Han
    "\U00020000-\U0003ffff"
    "])"
)


REMEMBERED = 256
"""Characters of a text whose result is remembered: a client may send thousands of names of eight thousand each."""


def remembered(most: int) -> Callable[[Callable[[str], T]], Callable[[str], T]]:
    """``lru_cache`` for a function of one text, for short texts only."""

    def decorate(work: Callable[[str], T]) -> Callable[[str], T]:
        short = lru_cache(maxsize=most)(work)

        @wraps(work)
        def recall(text: str) -> T:
            return short(text) if len(text) <= REMEMBERED else work(text)

        return recall

    return decorate


def fold(text: str) -> str:
    """``text`` in lower case, without accents and compatibility forms: ``Élodie ﬁ Ⅻ`` → ``elodie fi xii``.

    Accents of Latin, Greek, Cyrillic, Hebrew and Arabic go; the vowel and voicing signs of Indic
    scripts and kana are part of the letter and stay.
    """
    return text.lower() if text.isascii() else _fold(text)


@remembered(4096)  # a title is its sorting, its words and its names; an author and a tag come again and again
def _fold(text: str) -> str:
    signs = unicodedata.normalize("NFKD", storable(text).replace("İ", "i")).casefold()
    return unicodedata.normalize("NFC", _ACCENTS.sub("", signs).translate(_LETTERS))


def storable(text: str) -> str:
    """``text`` as a database can take it: a lone surrogate, which is no letter, becomes a question mark."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def sort_key(text: str) -> str:
    """A key that orders as a person would: folded, from the first letter or digit on, numbers by their value."""
    folded = " ".join(fold(text).split())
    if not folded[:1].isalnum():
        folded = _LEADING.sub("", folded)
    return _DIGITS.sub(lambda match: match[0].rjust(8, "0"), folded)


def words(text: str) -> str:
    """``text`` as the search index takes it: folded, signs of unspaced scripts set apart."""
    folded = fold(text).replace("\0", " ")
    return folded if folded.isascii() else " ".join(_UNSPACED.split(folded))


def question_words(question: str, *, max_words: int = 12) -> tuple[str, ...]:
    """What a person typed as the words that a book must have, folded as ``words`` folds those of the index; none when
    there is no word in it.

    Signs of unspaced scripts are set apart by spaces. Words beyond ``max_words`` are not looked at.
    """
    found = (word for word in fold(question).replace("\0", " ").split() if _WORD.search(word))
    return tuple(_UNSPACED.sub(r" \1 ", word).strip() for word in itertools.islice(found, max_words))
