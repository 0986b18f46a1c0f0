"""What the demo's comic is drawn with: a canvas, and the things and persons that appear on its pages.

Lengths are in units of a page 400 wide and 600 high; ``y`` grows downwards, and things stand on their ``y``.
"""

from __future__ import annotations

from PIL import Image, ImageDraw

from tomed.demo.drawing import Colour, encoded

WIDTH, HEIGHT = 400, 600
_SCALE = 4  # drawn at four times the unit and halved, so that edges are smooth

NIGHT, WALL, FLOOR, WOOD = (22, 28, 54), (58, 58, 92), (74, 60, 66), (120, 84, 60)
DARK, GLOW, LIGHT = (34, 28, 44), (250, 214, 130), (255, 238, 196)
RED, PAGE, INK, MOON, SKY, SUN, CAT = (
    (192, 68, 60),
    (250, 246, 232),
    (40, 32, 40),
    (246, 240, 210),
    (30, 44, 92),
    (255, 190, 92),
    (48, 44, 52),
)
MORNING: Colour = (250, 216, 178)


class Canvas:
    """A page to draw on; every method takes the page's own units."""

    def __init__(self, ground: Colour) -> None:
        self.image = Image.new("RGB", (WIDTH * _SCALE, HEIGHT * _SCALE), ground)
        self._draw = ImageDraw.Draw(self.image)

    def jpeg(self) -> bytes:
        """The finished page."""
        return encoded(self.image.resize((WIDTH * 2, HEIGHT * 2), Image.Resampling.LANCZOS))

    def shape(self, fill: Colour, *points: float) -> None:
        """A filled polygon of x, y pairs."""
        self._draw.polygon([p * _SCALE for p in points], fill)

    def box(self, fill: Colour, x: float, y: float, width: float, height: float, round_: float = 0) -> None:
        """A filled box; ``round_`` is the radius of its corners."""
        edges = (x * _SCALE, y * _SCALE, (x + width) * _SCALE, (y + height) * _SCALE)
        self._draw.rounded_rectangle(edges, round_ * _SCALE, fill)

    def disc(self, fill: Colour, x: float, y: float, radius: float, flat: float = 1) -> None:
        """A filled circle around x, y; ``flat`` below 1 makes it lower than wide."""
        r, h = radius * _SCALE, radius * flat * _SCALE
        self._draw.ellipse((x * _SCALE - r, y * _SCALE - h, x * _SCALE + r, y * _SCALE + h), fill)

    def line(self, ink: Colour, width: float, *points: float) -> None:
        """A line through x, y pairs."""
        self._draw.line([p * _SCALE for p in points], ink, round(width * _SCALE), joint="curve")

    def arc(self, ink: Colour, width: float, x: float, y: float, radius: float, start: float, end: float) -> None:
        """A part of a circle around x, y, from ``start`` to ``end`` degrees."""
        r = radius * _SCALE
        box = (x * _SCALE - r, y * _SCALE - r, x * _SCALE + r, y * _SCALE + r)
        self._draw.arc(box, start, end, ink, round(width * _SCALE))


def stars(c: Canvas, count: int, top: float = 0, bottom: float = HEIGHT, left: float = 0, right: float = WIDTH) -> None:
    """A night sky between these edges."""
    for n in range(1, count + 1):
        x = left + n * 0.7548777 % 1 * (right - left)  # evenly strewn, and the same every time
        y = top + n * 0.5698403 % 1 * (bottom - top)
        c.disc(LIGHT, x, y, 0.8 + n % 3 * 0.5)


def window(c: Canvas, x: float, y: float, size: float, sky: Colour = SKY, moon: bool = True) -> None:
    """A window with its cross, and what is to be seen through it."""
    c.box(WOOD, x - 6, y - 6, size + 12, size * 1.3 + 12, 3)
    c.box(sky, x, y, size, size * 1.3)
    if moon:
        stars(c, 12, y + 4, y + size * 1.3 - 4, x + 4, x + size - 4)
        c.disc(MOON, x + size * 0.66, y + size * 0.36, size * 0.15)
    c.box(WOOD, x + size / 2 - 2, y, 4, size * 1.3)
    c.box(WOOD, x, y + size * 0.65 - 2, size, 4)
    c.box(WOOD, x - 14, y + size * 1.3 + 4, size + 28, 9, 2)


def lamp(c: Canvas, x: float, y: float, lit: bool = True) -> None:
    """A desk lamp that stands on y."""
    if lit:
        c.shape((98, 86, 92), x - 22, y - 96, x + 42, y - 96, x + 110, y, x - 90, y)
        c.disc(GLOW, x + 10, y - 94, 13)
    c.line(INK, 4, x - 36, y - 3, x - 44, y - 70, x - 4, y - 112)
    c.box(INK, x - 58, y - 6, 44, 6, 2)
    c.shape(RED, x - 8, y - 122, x + 26, y - 122, x + 46, y - 94, x - 26, y - 94)


def book(c: Canvas, x: float, y: float, size: float = 1, look: float = 0, eyes: str = "open", legs: float = 0) -> None:
    """The hero: a red book that stands on y, looks from -1 to 1, and walks with ``legs``."""
    w, h = 44 * size, 58 * size
    for side in (-1, 1):
        foot = x + side * (9 + side * legs * 7) * size
        c.line(INK, 3 * size, x + side * 9 * size, y - 14 * size, foot, y - 2 * size, foot + 6 * size, y - 2 * size)
    top = y - 12 * size - h
    c.box(PAGE, x - w / 2 + 5 * size, top + 3 * size, w, h - 2 * size, 2 * size)
    c.box(RED, x - w / 2, top, w, h, 4 * size)
    c.box((150, 48, 46), x - w / 2, top, 7 * size, h, 3 * size)
    for side in (-1, 1):
        ex, ey = x + (2 + side * 9 + look * 4) * size, top + 22 * size
        if eyes == "closed":
            c.arc(INK, 2 * size, ex, ey, 5 * size, 20, 160)
        else:
            c.disc(PAGE, ex, ey, 6.5 * size)
            c.disc(INK, ex + look * 3 * size, ey - (2.5 * size if eyes == "up" else 0), 3 * size)
    c.arc(INK, 2 * size, x + (2 + look * 4) * size, top + 34 * size, 6 * size, 20, 160)


def open_book(c: Canvas, x: float, y: float, size: float = 1) -> None:
    """The hero lying open, its back on y."""
    for side in (-1, 1):
        c.shape(RED, x, y, x + side * 74 * size, y - 10 * size, x + side * 74 * size, y - 18 * size, x, y - 8 * size)
        far = x + side * 68 * size
        c.shape(
            PAGE,
            x,
            y - 8 * size,
            far,
            y - 18 * size,
            far,
            y - 34 * size,
            x + side * 24 * size,
            y - 34 * size,
            x,
            y - 20 * size,
        )
        for n in range(3):
            c.line(
                (170, 160, 150),
                1.2 * size,
                x + side * (14 + n * 3) * size,
                y - (15 + n * 6) * size,
                x + side * 60 * size,
                y - (20 + n * 5) * size,
            )


def cat(c: Canvas, x: float, y: float, awake: bool = False, size: float = 1) -> None:
    """A cat that lies on y, its head to the right."""
    c.arc(CAT, 9 * size, x - 62 * size, y - 20 * size, 24 * size, 60, 230)
    c.disc(CAT, x, y - 26 * size, 64 * size, 0.42)
    c.disc(CAT, x + 56 * size, y - 40 * size, 25 * size, 0.9)
    for ear in (40, 66):
        c.shape(
            CAT,
            x + (ear - 8) * size,
            y - 52 * size,
            x + (ear + 4) * size,
            y - 76 * size,
            x + (ear + 12) * size,
            y - 52 * size,
        )
    for side in (-1, 1):
        ex, ey = x + (58 + side * 10) * size, y - 42 * size
        if awake:
            c.disc(GLOW, ex, ey, 5 * size)
            c.box(INK, ex - 1 * size, ey - 5 * size, 2 * size, 10 * size)
        else:
            c.arc(GLOW, 1.6 * size, ex, ey, 5 * size, 20, 160)


def room(window_x: float = 240, lit: bool = True) -> Canvas:
    """An empty room, by lamp light or without."""
    c = Canvas(WALL if lit else (44, 46, 78))
    c.box(FLOOR if lit else (52, 46, 58), 0, 430, WIDTH, 170)
    window(c, window_x, 90, 110)
    return c


def desk(c: Canvas, x: float = 0, width: float = 200) -> None:
    """A table with two legs."""
    c.box(WOOD, x, 340, width, 16, 3)
    c.box(WOOD, x + width - 24, 356, 12, 150)
    c.box(WOOD, x + 12, 356, 12, 150)
