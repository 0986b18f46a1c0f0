"""The little Markdown in which the handbook is written, turned into XHTML.

Known: ``# title`` (the first line), ``## heading``, paragraphs, ``-`` and ``1.`` lists, tables with a head, fenced
code, and inside a line ``code``, ``**strong**`` and ``*emphasis*``. Anything else is text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.sax.saxutils import escape

_CODE = re.compile(r"`([^`]+)`")
_STRONG = re.compile(r"\*\*(.+?)\*\*")
_EMPHASIS = re.compile(r"\*(.+?)\*")
_NUMBERED = re.compile(r"\d+\. ")


def chapter(source: str) -> tuple[str, str]:
    """A chapter's (title, XHTML body) from its source, whose first line is ``# title``."""
    first, _, rest = source.strip().partition("\n")
    if not first.startswith("# "):
        raise ValueError(f"a chapter begins with '# title', not with {first!r}")
    return first[2:].strip(), "\n".join(_block(block) for block in _blocks(rest))


def inline(text: str) -> str:
    """One line's marks as XHTML. What stands between backticks is shown as it is."""
    parts = _CODE.split(text)
    for n, part in enumerate(parts):
        if n % 2:
            parts[n] = f"<code>{escape(part)}</code>"
        else:
            parts[n] = _EMPHASIS.sub(r"<em>\1</em>", _STRONG.sub(r"<strong>\1</strong>", escape(part)))
    return "".join(parts)


def _blocks(text: str) -> list[str]:
    """Blocks are parted by empty lines, except inside fenced code."""
    blocks: list[list[str]] = [[]]
    fenced = False
    for line in text.splitlines():
        fenced ^= line.startswith("```")
        if line.strip() or fenced:
            blocks[-1].append(line)
        else:
            blocks.append([])
    return ["\n".join(block) for block in blocks if block]


def _block(block: str) -> str:
    kinds: list[tuple[bool, Callable[[str], str]]] = [
        (block.startswith("```"), _fenced),
        (block.startswith("## "), lambda b: f"<h2>{inline(b[3:])}</h2>"),
        (block.startswith("- "), lambda b: _list("ul", b, re.compile(r"- "))),
        (_NUMBERED.match(block) is not None, lambda b: _list("ol", b, _NUMBERED)),
        (block.startswith("|"), _table),
    ]
    for applies, write in kinds:
        if applies:
            return write(block)
    return f"<p>{inline(_joined(block))}</p>"


def _joined(text: str) -> str:
    return " ".join(line.strip() for line in text.splitlines())


def _fenced(block: str) -> str:
    return f"<pre><code>{escape(chr(10).join(block.splitlines()[1:-1]))}</code></pre>"


def _list(tag: str, block: str, mark: re.Pattern[str]) -> str:
    items: list[str] = []
    for line in block.splitlines():
        found = mark.match(line)
        if found:
            items.append(line[found.end() :])
        else:
            items[-1] += " " + line.strip()
    return f"<{tag}>\n" + "\n".join(f"<li>{inline(item)}</li>" for item in items) + f"\n</{tag}>"


def _table(block: str) -> str:
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
    shown = [_row("th", head), *(_row("td", row) for row in rows)]
    return "<table>\n" + "\n".join(shown) + "\n</table>"


def _row(tag: str, cells: list[str]) -> str:
    return "<tr>" + "".join(f"<{tag}>{inline(cell)}</{tag}>" for cell in cells) + "</tr>"
