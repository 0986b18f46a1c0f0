"""The names that Calibre gives on disk and for sorting: folders, files, ``Title, The`` and ``Last, First``.

Calibre writes names in ASCII. Latin, Greek, Cyrillic, kana, Hebrew, Arabic and the other scripts
with letters are spelled here by the names that Unicode gives their letters; ideographs, whose
reading no table of ours knows, by their code points. That differs from Calibre's own spelling for some
scripts, and may: Calibre reads the names of its files from ``metadata.db`` and computes them anew only
when a title or an author changes.
"""

from __future__ import annotations

import re
import unicodedata

_FORBIDDEN = re.compile(r'[\\|?*<":>+/\x00-\x1f]')
_RESERVED = {"CON", "PRN", "AUX", "NUL"} | {f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10)}
_ARTICLE = re.compile(r"(A|An|The)\s+(?=\S)", re.IGNORECASE)
_LETTER = re.compile(r"(?:LETTER|LIGATURE|SYLLABLE) (?:SMALL |FINAL |STRAIGHT )*([A-Z]+)(?: WITH .*)?$")
_SPELLED = str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "œ": "oe", "Œ": "OE", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D"}
    | {"þ": "th", "Þ": "Th", "ł": "l", "Ł": "L", "ı": "i", "ŋ": "ng"}
    | {"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "--", "…": "...", "«": "<<", "»": ">>"}
)
# Unicode calls the Cyrillic letters EL, VE, SHA: the sound is what is left without that vowel.
_CYRILLIC = {"YERU": "y", "HARD SIGN": '"', "SOFT SIGN": "'", "IE": "e", "GHE": "g"}
_CYRILLIC_VOWEL = re.compile(r"^E(?=[B-DF-HJ-NP-TV-XZ]$)|(?<=[B-DF-HJ-NP-TV-XZ])[AE]$")

PATH_LIMIT = 100
_LONGEST_EXTENSION = 14


def ascii_text(text: str) -> str:
    """``text`` spelled in ASCII letters, as well as it can be told without a dictionary."""
    plain = unicodedata.normalize("NFKD", text.translate(_SPELLED))
    return "".join(c if c.isascii() else _spell(c) for c in plain if not unicodedata.combining(c))


def _spell(char: str) -> str:
    name = unicodedata.name(char, "")
    if "IDEOGRAPH" in name:
        return f"{ord(char):x} "
    cyrillic = "CYRILLIC" in name
    if cyrillic and name.partition("LETTER ")[2] in _CYRILLIC:
        return _CYRILLIC[name.partition("LETTER ")[2]]
    found = _LETTER.search(name)
    if found is None:
        return " " if char.isspace() else "_"
    letter = found.group(1)
    if cyrillic:
        letter = _CYRILLIC_VOWEL.sub("", letter)
    elif any(script in name for script in ("GREEK", "HEBREW", "ARABIC")):
        letter = letter[:2] if letter[:2] in ("CH", "PH", "PS", "TH", "SH", "KH") else letter[:1]
    return letter.capitalize() if char.isupper() else letter.lower()


def ascii_name(text: str) -> str:
    """``text`` as one component of a path that every file system takes."""
    name = re.sub(r"\s", " ", _FORBIDDEN.sub("_", ascii_text(text))).strip()
    name = name.replace("..", "_")
    if name.endswith((".", " ")):
        name = name[:-1] + "_"
    return "_" + name[1:] if name.startswith(".") else name


def folder_name(book_id: int, title: str, author: str) -> str:
    """A book's folder inside its library: ``Author/Title (id)``."""
    ending = f" ({book_id})"
    limit = PATH_LIMIT - len(ending) // 2 - 2
    author = ascii_name(author)[:limit].rstrip(" .") or "Unknown"
    if author.upper() in _RESERVED:
        author += "w"
    return f"{author}/{ascii_name(title.lstrip())[:limit].rstrip() or 'Unknown'}{ending}"


def file_name(title: str, author: str) -> str:
    """A book's file without extension: ``Title - Author``, at most 42 characters of each."""
    limit = (PATH_LIMIT - _LONGEST_EXTENSION - 2) // 2
    name = f"{ascii_name(title.lstrip())[:limit].rstrip() or 'Unknown'} - {ascii_name(author)[:limit]}"
    return name.rstrip(".") or "Unknown"


def title_sort(title: str) -> str:
    """``The Prophet`` → ``Prophet, The``."""
    title = title.strip()
    if title[:1] in ("'", '"', "“", "‘"):
        title = title[1:]
    article = _ARTICLE.match(title)
    if article is None:
        return title
    return f"{title[article.end() :]}, {article.group(1)}"


def author_sort(author: str) -> str:
    """``Mary Shelley`` → ``Shelley, Mary``; a name with a comma, or of one word, stays."""
    words = author.split()
    return author if "," in author or len(words) < 2 else f"{words[-1]}, {' '.join(words[:-1])}"
