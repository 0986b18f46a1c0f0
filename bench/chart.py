"""A picture of growth: how much more a thing costs when the library is ten times as large, both scales logarithmic."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.figures import Figure

LINES = {
    "first index": "first index",
    "start to first answer": "start",
    "search page 'winter'": "search page",
    "first page of all": "list page",
    "one edited book visible": "edit visible",
    "resident memory": "memory",
}
"""The beginning of a figure's words, and what its line is called."""

COLOURS = ("#7a2e1d", "#1d5c7a", "#2f6b2f", "#8a6d1d", "#5b3a86", "#444444")
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 400, 60, 150, 30, 50


def growth(sizes: Sequence[tuple[int, Sequence[Figure]]]) -> str:
    """An SVG of each line of ``LINES`` as a multiple of what it is in the smallest library; empty with one size."""
    if len(sizes) < 2:
        return ""
    smallest, largest = sizes[0][0], sizes[-1][0]
    lines: dict[str, list[tuple[int, float]]] = {}
    for begins, name in LINES.items():
        points = [(books, f.value) for books, figures in sizes for f in figures if f.what.startswith(begins)]
        seen = dict(points)  # the last one said of a size
        if len(seen) == len(sizes) and min(seen.values()) > 0:
            lines[name] = [(books, value / seen[smallest]) for books, value in seen.items()]
    top = max([largest / smallest, *(v for points in lines.values() for _, v in points)])
    low = min([0.5, *(v for points in lines.values() for _, v in points)])

    def x(books: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log(books / smallest) / math.log(largest / smallest)

    def y(ratio: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - math.log(ratio / low) / math.log(top / low))

    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif"'
        ' font-size="12" role="img"><title>Cost as a multiple of what it is in the smallest library</title>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fbfaf6"/>',
    ]
    for books, _ in sizes:
        drawn.append(_line([(x(books), TOP), (x(books), HEIGHT - BOTTOM)], "#dddddd"))
        drawn.append(f'<text x="{x(books):.0f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{books:,}</text>')
    drawn.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 10}" text-anchor="middle">books</text>')
    for power in range(math.ceil(math.log10(low)), math.floor(math.log10(top)) + 1):
        drawn.append(_line([(LEFT, y(10.0**power)), (WIDTH - RIGHT, y(10.0**power))], "#dddddd"))
        drawn.append(f'<text x="{LEFT - 8}" y="{y(10.0**power) + 4:.0f}" text-anchor="end">{10.0**power:g}×</text>')
    drawn.append(_line([(x(smallest), y(1)), (x(largest), y(largest / smallest))], "#999999", dashed=True))
    ends = [("as the library", y(largest / smallest), "#777777")]
    for (name, points), colour in zip(lines.items(), COLOURS, strict=False):
        drawn.append(_line([(x(books), y(ratio)) for books, ratio in points], colour, width=2.5))
        ends.append((name, y(points[-1][1]), colour))
    drawn += _labels(ends)
    return "\n".join([*drawn, "</svg>", ""])


def _labels(ends: list[tuple[str, float, str]]) -> list[str]:
    """Names at the ends of their lines, none over another."""
    drawn, last = [], -math.inf
    for name, at, colour in sorted(ends, key=lambda end: end[1]):
        last = max(at + 4, last + 15)
        drawn.append(f'<text x="{WIDTH - RIGHT + 8}" y="{last:.0f}" fill="{colour}">{name}</text>')
    return drawn


def _line(points: list[tuple[float, float]], colour: str, width: float = 1, *, dashed: bool = False) -> str:
    where = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dash = ' stroke-dasharray="5 4"' if dashed else ""
    return f'<polyline points="{where}" fill="none" stroke="{colour}" stroke-width="{width}"{dash}/>'
