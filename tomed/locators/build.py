"""Builds a section the way KOReader's engine builds its tree, with what a browser counts noted on the way."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tomed.errors import Invalid
from tomed.locators import markup
from tomed.locators.elements import NO_TEXT, PRE, TABLE_PARTS
from tomed.locators.judge import Outline, judge
from tomed.locators.runs import WHITE, Run, behind_newline, runs
from tomed.locators.section import ROOT, Kind, Section
from tomed.locators.styles import Element, Styles, display, may_differ, may_keep_otherwise

MOST_NODES = 150_000
"""Elements and texts; War and Peace in one single file has fewer."""
MOST_TOKENS = 600_000
DEEPEST = 1_000


@dataclass(slots=True)
class _Frame:
    """An element that is still open."""

    node: int
    tag: str
    display: str
    keeps: bool
    shown: bool
    suspect: bool
    in_svg: bool
    kids: list[int] = field(default_factory=list)
    suspects: bool = False
    """True when a child is suspect."""
    white: bool = False
    """True when some text directly inside is white."""
    strips: bool = False
    """True while a leading newline would be stripped."""
    elder: Element | None = None
    """The last child element so far."""
    raw: int = 0
    """UTF-16 units since it."""


def build(source: str, styles: Styles, *, certain: bool = True) -> Section:
    """Build the section of a whole file.

    Raises:
        Invalid: more nodes or deeper nesting than any book has.
    """
    builder = _Builder(source, styles)
    for number, token in enumerate(markup.tokens(source)):
        if number > MOST_TOKENS:
            raise Invalid(f"A chapter of the book has more than {MOST_TOKENS} tags.")
        builder.take(token)
    builder.finish()
    verdict = judge(source) if certain else None
    agreed = (
        verdict is not None and verdict.outline == builder.outline and len(verdict.body_steps) == len(builder.bodies)
    )
    return builder.section(verdict.body_steps if verdict and agreed and all(verdict.body_steps) else (), certain)


class _Builder:
    def __init__(self, source: str, styles: Styles) -> None:
        self.source = source
        self.styles = styles
        self.bodies: list[int] = []
        self.outline = Outline(array("I"), array("H"))
        self.stack: list[_Frame] = []
        self.elements: list[Element] = []
        self.open: Counter[str] = Counter()
        self.kinds = array("B")
        self.name_of = array("H")
        self.parents = array("i")
        self.raws = array("I")
        self.raw_ends = array("I")
        self.first = array("I")
        self.count = array("I")
        self.children = array("I")
        self.lasts: dict[int, int] = {}
        self.names: dict[str, int] = {}
        self.runs: dict[int, Run] = {}
        self.looks: dict[int, str] = {}
        self.ids: dict[str, int] = {}
        self.hidden: set[int] = set()
        self.unsure_white: set[int] = set()
        self.unsure_keep: set[int] = set()

    def take(self, token: markup.Token) -> None:
        """Go on with one token."""
        match token.kind:
            case markup.Kind.OPEN:
                self._open(token)
            case markup.Kind.CLOSE if self.stack:
                self._close(token.name)
            case markup.Kind.TEXT | markup.Kind.CDATA if self.stack:
                self._text(token)

    def finish(self) -> None:
        """Close whatever the file left open."""
        while self.stack:
            self._shut()

    def _open(self, token: markup.Token) -> None:
        parent = self.stack[-1] if self.stack else None
        tag = token.name if parent and parent.in_svg else token.name.lower()
        if parent is None and tag not in ("body", "html"):
            return
        attributes = markup.attributes(self.source, token)
        if parent is None and tag == "html":
            self.elements = [Element(tag, attributes)]
            return
        node = self._node(Kind.INSTRUCTION if tag.startswith("?") else Kind.ELEMENT, tag, parent)
        if parent is None:
            self.bodies.append(node)
        elif not tag.startswith("?"):
            parent.raw = 0
            self.outline.places.append(token.start)
            self.outline.depths.append(len(self.stack))
        if attributes.get("id"):
            self.ids.setdefault(attributes["id"], node)
        self._push(node, tag, attributes, parent)
        if token.closed:
            self._shut()

    def _push(self, node: int, tag: str, attributes: dict[str, str], parent: _Frame | None) -> None:
        element = Element(tag, attributes)
        looks = self.styles.looks(element, self.elements, parent.elder if parent else None)
        keeps = tag in PRE or (parent is not None and parent.keeps)
        if may_keep_otherwise(tag, looks, keeps):
            self.unsure_keep.add(node)
        shape = display(element)
        frame = _Frame(
            node,
            tag,
            shape,
            keeps,
            shown=(parent is None or (parent.shown and not parent.in_svg))
            and shape != "none"
            and ("hidden" not in looks or bool(looks & {"block", "inline"})),
            suspect=may_differ(shape, looks),
            in_svg=tag == "svg" or (parent is not None and parent.in_svg),
            strips=tag in ("pre", "textarea"),
        )
        if len(self.stack) >= DEEPEST:
            raise Invalid(f"A chapter of the book is nested more than {DEEPEST} elements deep.")
        if parent is not None and not tag.startswith("?"):
            parent.elder = element
        self.stack.append(frame)
        self.elements.append(element)
        self.open[tag] += 1

    def _close(self, name: str) -> None:
        """Close the nearest open element of that name with all in it; ignore the tag when there is none."""
        tag = name if name in self.open else name.lower()
        if not self.open[tag]:
            return
        while self._shut() != tag:
            pass
        if tag == "body" and self.stack:
            # Whatever body this closed, the engine's fragment ends here.
            self.finish()

    def _text(self, token: markup.Token) -> None:
        frame = self.stack[-1]
        cdata = token.kind is markup.Kind.CDATA
        for run in runs(self.source, token.start, token.end, keep=frame.keeps, cdata=cdata):
            begin = frame.raw
            frame.raw += run.raw
            if frame.tag in NO_TEXT:
                continue
            white = not run.text.strip(WHITE)
            if white and not frame.keeps:
                frame.white = True
                if frame.display == "block" and not frame.kids:
                    continue
            if frame.strips:
                frame.strips = False
                if not frame.kids:
                    run = behind_newline(run)
            if not run.text:
                continue
            node = self._node(Kind.TEXT, "", frame)
            self.raws[node] = begin
            self.raw_ends[node] = frame.raw
            self.runs[node] = run
            if not frame.shown:
                self.hidden.add(node)

    def _node(self, kind: Kind, tag: str, parent: _Frame | None) -> int:
        node = len(self.kinds)
        if node >= MOST_NODES:
            raise Invalid(f"A chapter of the book has more than {MOST_NODES} elements and texts.")
        self.kinds.append(kind)
        self.name_of.append(self.names.setdefault(tag, min(len(self.names), 65535)))
        self.parents.append(ROOT if parent is None else parent.node)
        self.raws.append(0)
        self.raw_ends.append(0)
        self.first.append(0)
        self.count.append(0)
        if parent is not None:
            parent.kids.append(node)
        return node

    def _shut(self) -> str:
        """Close the innermost element: only now is it known which white text it keeps."""
        frame = self.stack.pop()
        self.elements.pop()
        self.open[frame.tag] -= 1
        self._drop_white(frame)
        self.looks[frame.node] = frame.display
        self.lasts[frame.node] = len(self.kinds)
        if frame.white and (frame.suspect or frame.suspects):
            self.unsure_white.add(frame.node)
        if self.stack and (frame.suspect or (frame.suspects and frame.display == "inline")):
            self.stack[-1].suspects = True
        self.first[frame.node] = len(self.children)
        self.count[frame.node] = len(frame.kids)
        self.children.extend(frame.kids)
        return frame.tag

    def _drop_white(self, frame: _Frame) -> None:
        if frame.display == "none" or frame.tag == "ruby":
            return
        if frame.tag in TABLE_PARTS:
            self._keep(frame, lambda _before, _after: False)
            return
        shapes = [self._shape(kid) for kid in frame.kids]
        if "block" not in shapes:
            return
        if frame.display == "inline":
            if "inline" not in shapes and "text" not in shapes:
                frame.display = "block"
            else:
                self._keep(frame, lambda before, after: "block" not in (before, after))
        elif not frame.keeps:
            inline = ("inline", "text")
            self._keep(frame, lambda before, after: before in inline and after in inline)

    def _shape(self, node: int) -> str:
        """What a child counts as when its parent is laid out."""
        if self.kinds[node] == Kind.TEXT:
            return "text" if self.runs[node].text.strip(WHITE) else "white"
        return self.looks[node]

    def _keep(self, frame: _Frame, wanted: Callable[[str, str], bool]) -> None:
        """Drop the runs of white text for which ``wanted(before, after)``, the shapes beside them, says no."""
        kept: list[int] = []
        kids = frame.kids
        at = 0
        while at < len(kids):
            stop = at
            while stop < len(kids) and self._shape(kids[stop]) == "white":
                stop += 1
            if stop == at:
                kept.append(kids[at])
                at += 1
                continue
            before = self._shape(kids[at - 1]) if at else ""
            after = self._shape(kids[stop]) if stop < len(kids) else ""
            if wanted(before, after):
                kept += kids[at:stop]
            else:
                for node in kids[at:stop]:
                    self.kinds[node] = Kind.GONE
                    del self.runs[node]
            at = stop
        frame.kids = kept

    def section(self, body_steps: tuple[int, ...], certain: bool) -> Section:
        """Lay the text out and hand over what was built."""
        starts, ends = array("I"), array("I")
        drift_at, drift_raw, paragraphs = array("I"), array("I"), array("I")
        hidden: list[tuple[int, int]] = []
        place = 0
        for node, kind in enumerate(self.kinds):
            starts.append(place)
            if kind == Kind.TEXT:
                run = self.runs[node]
                for at, raw in run.drifts:
                    if at < len(run.text):
                        drift_at.append(place + at)
                        drift_raw.append(self.raws[node] + raw)
                if node in self.hidden:
                    if hidden and hidden[-1][1] == place:
                        hidden[-1] = (hidden[-1][0], place + len(run.text))
                    else:
                        hidden.append((place, place + len(run.text)))
                place += len(run.text)
            elif kind == Kind.ELEMENT and self.looks[node] == "block" and (not paragraphs or paragraphs[-1] != place):
                paragraphs.append(place)
            ends.append(place)
        starts.append(place)
        for node, behind in self.lasts.items():
            ends[node] = starts[behind]
        return Section(
            text="".join(self.runs[node].text for node in sorted(self.runs)),
            names=list(self.names),
            kinds=self.kinds,
            name_of=self.name_of,
            parents=self.parents,
            starts=starts,
            ends=ends,
            raws=self.raws,
            raw_ends=self.raw_ends,
            first=self.first,
            count=self.count,
            children=self.children,
            drift_at=drift_at,
            drift_raw=drift_raw,
            hidden=hidden,
            texts=array("I", sorted(self.runs)),
            paragraphs=paragraphs,
            ids=self.ids,
            bodies=self.bodies,
            unsure_white=frozenset(self.unsure_white),
            unsure_keep=frozenset(self.unsure_keep),
            body_steps=body_steps,
            certain=certain,
        )
