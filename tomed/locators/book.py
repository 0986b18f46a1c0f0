"""The model of one book file: its spine, its scale, and the trees of the chapters that were asked for lately."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

from tomed.errors import Invalid
from tomed.locators import contents, markup, styles
from tomed.locators.build import build
from tomed.locators.fractions import Scale, weigh
from tomed.locators.package import Package, open_package, resolved
from tomed.locators.section import Section
from tomed.model import LocatorKind

KEPT = 1_500_000
"""Bytes of trees that a model keeps, roughly; the last one asked for stays whatever its size."""
KEPT_SHEETS = 64
MOST_SHEETS = 16
"""Style sheets of one chapter that are looked at."""
MOST_BYTES = 384 << 20
"""Unpacked bytes of all chapters together; more is no book."""


class BookModel:
    """What all translations in one file share. Not safe for use by several threads at once.

    ``sections`` are numbered from 0 as foliate-js numbers them: usable items of the spine.
    """

    def __init__(self, package: Package, scale: Scale, fragments: list[int]) -> None:
        self.package = package
        self.scale = scale
        """The canonical one: shares of the text."""
        self._fragments = fragments
        self._kept: OrderedDict[int, Section | None] = OrderedDict()
        self._sheets: OrderedDict[str, tuple[list[styles.Rule], list[str]]] = OrderedDict()
        self._bytes: Scale | None = None
        self._contents: tuple[contents.Entry, ...] | None = None

    @classmethod
    def open(cls, source: Path | str | bytes) -> BookModel:
        """Open an EPUB by its path or its bytes.

        Raises:
            Invalid: it can't be read as an EPUB; the sentence says why.
        """
        package = open_package(Path(source) if isinstance(source, str) else source)
        weights: list[int] = []
        fragments = [1]
        seen: dict[str, tuple[int, int, int]] = {}
        total = 0
        model = cls(package, Scale.of([1]), [])
        for number, item in enumerate(package.items):
            known = seen.get(item.href)
            if known is None:
                known = model._first_look(number) if item.is_text else (0, 1, 0)
                seen[item.href] = known
            weight, bodies, size = known
            total += size
            if total > MOST_BYTES:
                raise Invalid("The book's chapters are larger than any book's.")
            weights.append(weight)
            fragments.append(fragments[-1] + bodies)
        model.scale = Scale.of(weights)
        model._fragments = fragments
        return model

    def _first_look(self, number: int) -> tuple[int, int, int]:
        """Weight, bodies and bytes of a chapter."""
        data = self.package.read(self.package.items[number].href)
        if data is None:
            return 0, 1, 0
        weighed = weigh(data)
        bodies = weighed.bodies
        if bodies > 1:
            section = self.section(number)
            bodies = len(section.bodies) if section else 1
        return weighed.weight, max(1, bodies), len(data)

    def __len__(self) -> int:
        return len(self.package.items)

    def section(self, number: int) -> Section | None:
        """The tree of a chapter; None when it has none (pictures, missing, unreadable, absurd)."""
        if number in self._kept:
            self._kept.move_to_end(number)
            return self._kept[number]
        section = self._built(number)
        self._count_bodies(number, section)
        self._kept[number] = section
        while len(self._kept) > 1 and self.kept_bytes() > KEPT:
            self._kept.popitem(last=False)
        return section

    def _count_bodies(self, number: int, section: Section | None) -> None:
        """Mend the count of fragments where a broken file has another number of bodies than the first look saw."""
        bodies = max(1, len(section.bodies)) if section else 1
        if number + 1 < len(self._fragments):
            extra = bodies - (self._fragments[number + 1] - self._fragments[number])
            for following in range(number + 1, len(self._fragments) if extra else 0):
                self._fragments[following] += extra

    def source(self, number: int) -> tuple[str, bool] | None:
        """The chapter's markup, and whether its encoding was certain; None when it can't be read."""
        item = self.package.items[number]
        data = self.package.read(item.href) if item.is_text else None
        return markup.decode(data) if data is not None else None

    def scale_of(self, kind: LocatorKind | None) -> Scale:
        """The scale on which a reader counts: foliate-js (``cfi``) unpacked bytes of linear chapters, as its
        ``SectionProgress`` does; the engine the pages of its own layout, to which shares of the text are nearest."""
        if kind is not LocatorKind.CFI:
            return self.scale
        if self._bytes is None:
            entries = (self.package.entries.get(item.href) if item.linear else None for item in self.package.items)
            self._bytes = Scale.of([entry.size if entry else 0 for entry in entries])
        return self._bytes

    def canonical(self, kind: LocatorKind | None, fraction: float) -> float:
        """A fraction on the scale of a reader of ``kind`` as the share of the book's text; an estimate by nature."""
        if kind is not LocatorKind.CFI:
            return fraction
        return self.scale.fraction(*self.scale_of(kind).place(fraction))

    def chapter(self, number: int, place: int) -> str:
        """The title, in the table of contents, of the chapter that a place of a section is in; empty when unknown."""
        if self._contents is None:
            self._contents = contents.read(self.package)
        return contents.chapter(self._contents, number, self.section(number), place)

    def kept_bytes(self) -> int:
        """About how many bytes the kept trees take."""
        return sum(section.cost if section else 100 for section in self._kept.values())

    def fragment(self, number: int, body: int = 0) -> int:
        """The DocFragment, from 1, of a section's ``body``-th body."""
        return self._fragments[number] + body

    def number_of_fragment(self, fragment: int) -> tuple[int, int] | None:
        """Section and body that a DocFragment stands for."""
        if not 1 <= fragment < self._fragments[-1]:
            return None
        low, high = 0, len(self._fragments) - 1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._fragments[middle] <= fragment else (low, middle)
        return low, fragment - self._fragments[low]

    def _built(self, number: int) -> Section | None:
        read = self.source(number)
        if read is None:
            return None
        source, certain = read
        try:
            section = build(source, self._styles(source, self.package.items[number].href), certain=certain)
        except Invalid:
            return None
        return section if section.bodies else None

    def _styles(self, source: str, href: str) -> styles.Styles:
        """What the style sheets of a chapter say: linked ones, those they import, and its own."""
        found: list[list[styles.Rule]] = []
        wanted: list[tuple[str, str]] = []
        own = False
        for token in markup.tokens(source):
            if token.kind is markup.Kind.TEXT:
                if own:
                    rules, imports = styles.sheet(source[token.start : token.end])
                    found.append(rules)
                    wanted += [(href, address) for address in imports]
                continue
            own = token.kind is markup.Kind.OPEN and token.name.lower() == "style" and not token.closed
            name = token.name.lower()
            if token.kind is markup.Kind.OPEN and name == "link":
                attributes = markup.attributes(source, token)
                if "stylesheet" in attributes.get("rel", "").lower():
                    wanted.append((href, attributes.get("href", "")))
            elif token.kind is markup.Kind.OPEN and name == "body":
                break
        seen: set[str] = set()
        while wanted and len(seen) < MOST_SHEETS:
            base, address = wanted.pop(0)
            sheet = resolved(base, address)
            if sheet and sheet not in seen:
                seen.add(sheet)
                rules, imports = self._sheet(sheet)
                found.append(rules)
                wanted += [(sheet, further) for further in imports]
        return styles.Styles.of(found)

    def _sheet(self, name: str) -> tuple[list[styles.Rule], list[str]]:
        known = self._sheets.get(name)
        if known is None:
            data = self.package.read(name)
            known = styles.sheet(markup.decode(data)[0]) if data else ([], [])
            self._sheets[name] = known
            if len(self._sheets) > KEPT_SHEETS:
                self._sheets.popitem(last=False)
        return known
