"""EPUB CFI: everything that foliate-js writes is read, points alone are written.

A CFI is a list of paths joined by ``!`` (package document, then content document). Steps count from the element's
children: elements have even numbers, the text between them odd ones. Offsets are UTF-16 code units.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tomed.errors import Invalid

LONGEST = 8192
"""Characters; a longer one is refused before it is looked at."""

_WRAPPED = re.compile(r"\s*epubcfi\((.*)\)\s*\Z", re.DOTALL)
_NUMBER = r"\d{1,9}"
_TOKEN = re.compile(
    rf"/(?P<step>{_NUMBER})|:(?P<offset>{_NUMBER})|~(?P<temporal>\d{{1,9}}(?:\.\d{{1,9}})?)"
    r"|@(?P<spatial>[\d.]{1,20}:[\d.]{1,20})|\[(?P<assertion>(?:\^.|[^\[\]^])*+)\]|(?P<mark>[!,])",
    re.DOTALL,
)
_ESCAPED = re.compile(r"\^(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Step:
    """``/index[id]`` with the offset that may follow it. ``id`` is unescaped, empty when there is none."""

    index: int
    id: str = ""
    offset: int | None = None
    text: str = ""
    """What a text assertion says stands here; parameters such as ``;s=b`` left out."""


Path = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Cfi:
    """A parsed CFI as its paths; of a range both ends, of a point twice the same."""

    start: tuple[Path, ...]
    end: tuple[Path, ...]

    @property
    def is_range(self) -> bool:
        """True when it spans something."""
        return self.start != self.end


def parse(value: str) -> Cfi:
    """Read a point or a range.

    Raises:
        Invalid: it is not of the grammar, or absurdly long.
    """
    if len(value) > LONGEST:
        raise Invalid(f"A CFI of {len(value)} characters is not one.")
    match = _WRAPPED.match(value)
    if match is None:
        raise Invalid(f"{value[:80]!r} is not a CFI: it must look like epubcfi(/6/4!/4/2/1:0).")
    parts: list[list[list[Step]]] = [[[]]]
    for token in _tokens(match[1]):
        _take(parts, token)
    if len(parts) not in (1, 3):
        raise Invalid("A CFI has either no comma or, being a range, two.")
    if not parts[0][0]:
        raise Invalid("A CFI starts with a step such as /6.")
    return Cfi(
        _joined(parts[0], parts[1] if len(parts) == 3 else []), _joined(parts[0], parts[-1] if len(parts) == 3 else [])
    )


def point(*paths: tuple[int, ...], offset: int | None = None) -> str:
    """Write a point: step numbers of each path, and the offset behind the last step."""
    inner = "!".join("".join(f"/{index}" for index in path) for path in paths)
    return f"epubcfi({inner}{'' if offset is None else f':{offset}'})"


def _tokens(inner: str) -> Iterator[re.Match[str]]:
    at = 0
    while at < len(inner):
        match = _TOKEN.match(inner, at)
        if match is None:
            raise Invalid(f"A CFI can't go on with {inner[at : at + 20]!r}.")
        yield match
        at = match.end()


def _take(parts: list[list[list[Step]]], token: re.Match[str]) -> None:
    """Add one token to the part, path or step that is being read."""
    path = parts[-1][-1]
    if token.lastgroup == "step":
        path.append(Step(int(token["step"])))
    elif token.lastgroup == "mark":
        if token["mark"] == ",":
            parts.append([[]])
        else:
            parts[-1].append([])
    elif not path:
        # A range may go on with an offset behind the last step of its parent: epubcfi(/6/4!/4/2/1,:3,:9)
        if token.lastgroup == "offset" and len(parts) > 1:
            path.append(Step(-1, offset=int(token["offset"])))
        elif token.lastgroup != "assertion":
            raise Invalid("An offset in a CFI needs a step before it.")
    else:
        path[-1] = _extended(path[-1], token)


def _extended(step: Step, token: re.Match[str]) -> Step:
    if token.lastgroup == "offset":
        return Step(step.index, step.id, int(token["offset"]), step.text)
    if token.lastgroup == "assertion":
        # Parameters (;s=b) say on which side of the place to stand: nothing that we could use.
        plain = re.split(r"(?<!\^);", token["assertion"])[0]
        if step.offset is None and step.index % 2 == 0:
            return Step(step.index, _ESCAPED.sub(r"\1", plain), step.offset, step.text)
        return Step(step.index, step.id, step.offset, _ESCAPED.sub(r"\1", plain))
    return step  # seconds and pixels into a medium: the element is as near as we get


def _joined(parent: list[list[Step]], tail: list[list[Step]]) -> tuple[Path, ...]:
    paths = [list(path) for path in parent]
    for number, path in enumerate(tail):
        for step in path:
            if step.index == -1:
                if not paths[-1]:
                    raise Invalid("An offset in a CFI needs a step before it.")
                last = paths[-1].pop()
                paths[-1].append(Step(last.index, last.id, step.offset, last.text))
            else:
                if number and step is path[0]:
                    paths.append([])
                paths[-1].append(step)
    return tuple(map(tuple, paths))
