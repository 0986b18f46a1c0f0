"""Chapters that a browser reads as HTML although they are properly nested.

A missing name space, an entity of HTML or an unknown prefix is enough for a browser to give XML up. HTML's own rules
then rarely change anything; where one might (tables, implied ends, raw text), this module says no.
"""

from __future__ import annotations

from tomed.locators import markup
from tomed.locators.elements import words
from tomed.locators.markup import Kind, Token

VOID = words("area base br col embed hr img input link meta source track wbr")
CLOSES_P = words(
    """
    address article aside blockquote center dd details dialog dir div dl dt fieldset figcaption figure footer h1 h2 h3
    h4 h5 h6 header hgroup hr li main menu nav ol p pre search section summary ul
    """
)
HEADINGS = words("h1 h2 h3 h4 h5 h6")
RUBY = words("rb rp rt")
PLAIN = (
    CLOSES_P
    | RUBY
    | words(
        """
        a abbr b bdi bdo big br cite code data del dfn em font i img ins kbd mark q ruby s samp small span strike
        strong sub sup time tt u var wbr
        """
    )
)
"""Elements about which HTML has no other rules than those that are looked at here."""
IN_HEAD = words("base link meta script style title")
ITEMS = {"li": words("ul ol menu dir"), "dd": words("dl"), "dt": words("dl")}
"""Items, and the lists that keep an outer item from being ended by an inner one."""


def same_as_html(source: str) -> bool:
    """True when HTML's rules make the same tree of a properly nested file, with head and body as its two parts."""
    stack: list[str] = []
    parts: list[str] = []
    behind = ""
    for token in markup.tokens(source):
        name = token.name.lower()
        if token.kind is Kind.OPEN and not name.startswith("?"):
            if len(stack) == 1:
                parts.append(name)
            if not _may_open(source, token, name, stack):
                return False
            if not token.closed and name not in VOID:
                stack.append(name)
        elif token.kind is Kind.CLOSE:
            if not stack or stack.pop() != name:
                return False
        elif token.kind is not Kind.CUT and not _may_stand(source, token, stack, behind):
            return False
        behind = name if token.kind is Kind.OPEN else ""
    return parts == ["head", "body"]


def _may_stand(source: str, token: Token, stack: list[str], behind: str) -> bool:
    """False for text and instructions of which HTML makes something else."""
    if token.kind is not Kind.TEXT:
        return not stack and token.kind is Kind.OPEN  # the XML declaration is a comment to HTML, CDATA one too
    text = source[token.start : token.end]
    if len(stack) < 2 or stack == ["html", "head"]:
        return not text.strip()
    if stack[-1] == "script":
        return "<!--" not in text
    return behind != "pre" or not text.startswith(("\r", "\n", "&#"))


def _may_open(source: str, token: Token, name: str, stack: list[str]) -> bool:
    """False when a start tag does more, or less, than open an element just there."""
    if ":" in source[token.start : token.attributes[0]]:
        return False
    if not stack or stack == ["html"]:
        return name in ("html", "head", "body") and not token.closed
    if stack == ["html", "head"]:
        return name in IN_HEAD and (name in VOID or not token.closed)
    if stack[:2] != ["html", "body"] or name not in PLAIN or token.closed != (name in VOID):
        return False
    if name in CLOSES_P and "p" in stack:
        return False
    if name in HEADINGS and stack[-1] in HEADINGS:
        return False
    if (name == "a" and "a" in stack) or (name in RUBY and stack[-1] != "ruby"):
        return False
    lists = ITEMS.get(name)
    return lists is None or stack[-1] in lists
