"""“From Lamp to Window”: a small story without words. A book under a lamp would like to see the moon."""

from __future__ import annotations

from collections.abc import Callable

from tomed.demo.comic_stage import (
    CAT,
    DARK,
    FLOOR,
    GLOW,
    HEIGHT,
    INK,
    LIGHT,
    MOON,
    MORNING,
    NIGHT,
    PAGE,
    RED,
    SKY,
    SUN,
    WIDTH,
    WOOD,
    Canvas,
    book,
    cat,
    desk,
    lamp,
    open_book,
    room,
    stars,
    window,
)
from tomed.demo.drawing import Colour

_SPINES: tuple[Colour, ...] = ((92, 122, 110), (168, 122, 62), (96, 88, 140), (138, 90, 84), (70, 104, 138))


def _title() -> Canvas:
    c = Canvas(NIGHT)
    stars(c, 60, 0, 420)
    c.disc(MOON, 300, 120, 46)
    c.disc(NIGHT, 282, 108, 40)
    c.box(FLOOR, 0, 470, WIDTH, 130)
    lamp(c, 110, 474)
    book(c, 210, 490, 2, look=0.8, eyes="up")
    return c


def _under_the_lamp() -> Canvas:
    c = room()
    desk(c)
    lamp(c, 66, 340)
    open_book(c, 120, 342, 0.8)
    cat(c, 290, 560)
    return c


def _the_moon_is_up() -> Canvas:
    c = Canvas(DARK)
    window(c, 70, 60, 260)
    book(c, 130, 590, 1.6, look=0.6, eyes="up")
    return c


def _it_stands_up() -> Canvas:
    c = room()
    desk(c)
    lamp(c, 50, 340)
    book(c, 150, 340, 1, look=1)
    cat(c, 290, 560)
    return c


def _the_edge() -> Canvas:
    c = Canvas((50, 50, 82))
    c.box(WOOD, 0, 240, 220, 40, 4)
    c.box(FLOOR, 0, 540, WIDTH, 60)
    book(c, 180, 240, 2.2, look=1, legs=0.6)
    for n in range(3):  # how far down it is
        c.line(LIGHT, 2, 300, 320 + n * 60, 300, 350 + n * 60)
    return c


def _the_jump() -> Canvas:
    c = room()
    desk(c)
    lamp(c, 50, 340)
    for n, (x, y) in enumerate(((206, 330), (226, 318), (246, 330), (262, 360))):
        c.disc((90 + n * 30, 90 + n * 26, 120 + n * 20), x, y - 20, 3 + n)
    book(c, 276, 430, 1, look=0.4, eyes="closed", legs=1.4)
    cat(c, 140, 580, size=0.9)
    return c


def _across_the_floor() -> Canvas:
    c = Canvas(FLOOR)
    c.box((52, 46, 74), 0, 0, WIDTH, 200)
    for n in range(7):
        c.disc((58, 48, 54), 40 + n * 26, 520 - n * 12, 4, 0.5)
    book(c, 240, 440, 1.3, look=1, legs=1)
    cat(c, 130, 330, size=0.9)
    return c


def _somebody_wakes() -> Canvas:
    c = Canvas(DARK)
    for side in (-1, 1):
        c.shape(CAT, 200 + side * 150, 240, 200 + side * 130, 90, 200 + side * 40, 190)
    c.disc(CAT, 200, 330, 180, 0.9)
    for side in (-1, 1):
        c.disc(GLOW, 200 + side * 70, 300, 44, 0.9)
        c.disc(INK, 200 + side * 70, 300, 12, 3.1)
    c.shape((150, 90, 96), 188, 372, 212, 372, 200, 386)
    book(c, 200, 590, 0.9, eyes="up")
    return c


def _they_look_at_each_other() -> Canvas:
    c = Canvas((44, 44, 70))
    c.box(FLOOR, 0, 420, WIDTH, 180)
    cat(c, 130, 520, awake=True, size=1.4)
    book(c, 330, 520, 1.3, look=-1)
    return c


def _a_ride() -> Canvas:
    c = room(230)
    c.box(FLOOR, 0, 430, WIDTH, 170)
    cat(c, 170, 540, awake=True, size=1.2)
    book(c, 160, 496, 0.9, look=1)
    for n in range(3):
        c.line(LIGHT, 2, 20 + n * 6, 470 + n * 24, 60 + n * 6, 470 + n * 24)
    return c


def _stairs_of_books() -> Canvas:
    c = Canvas((50, 50, 84))
    window(c, 220, 40, 150)
    c.box(FLOOR, 0, 540, WIDTH, 60)
    for step in range(5):
        for n in range(step + 1):
            width = 74 - (n * 13 + step * 7) % 11
            c.box(_SPINES[(n + step) % 5], 60 + step * 62, 512 - n * 54, width, 48, 4)
            c.box(PAGE, 60 + step * 62 + width - 10, 518 - n * 54, 8, 36)
    book(c, 216, 402, 0.9, look=1, eyes="up", legs=1)
    cat(c, 66, 590, awake=True, size=0.7)
    return c


def _on_the_sill() -> Canvas:
    c = Canvas(DARK)
    c.box(SKY, 50, 40, 300, 420)
    stars(c, 40, 50, 440, 60, 340)
    c.disc(MOON, 220, 210, 96)
    for x, y, r in ((190, 180, 14), (250, 230, 20), (214, 262, 9)):
        c.disc((228, 220, 186), x, y, r)
    c.box(WOOD, 20, 460, 360, 22, 3)
    book(c, 150, 460, 1.5, look=0.8, eyes="up")
    return c


def _what_the_moon_reads() -> Canvas:
    c = Canvas(SKY)
    stars(c, 50, 0, 330)
    c.disc(MOON, 200, 110, 70)
    c.shape((58, 74, 122), 170, 176, 230, 176, 330, 470, 70, 470)
    c.box(WOOD, 0, 490, WIDTH, 110)
    open_book(c, 200, 496, 2)
    for n in range(6):
        c.disc(LIGHT, 120 + n * 31, 420 - (n * 37) % 70, 3)
    return c


def _from_outside() -> Canvas:
    c = Canvas(NIGHT)
    stars(c, 80, 0, 330)
    c.disc(MOON, 70, 90, 30)
    c.shape((36, 30, 52), 90, 300, 230, 180, 370, 300)
    c.box((46, 40, 64), 110, 300, 240, 260)
    c.box((28, 38, 48), 0, 540, WIDTH, 60)
    window(c, 190, 340, 80, GLOW, moon=False)
    book(c, 230, 448, 0.6, eyes="up")
    cat(c, 150, 548, size=0.4)
    return c


def _morning() -> Canvas:
    c = Canvas(MORNING)
    c.box((252, 232, 206), 50, 40, 300, 420)
    c.disc(SUN, 200, 380, 76)
    c.shape((150, 176, 140), 50, 460, 50, 410, 150, 380, 260, 420, 350, 390, 350, 460)
    c.box(WOOD, 20, 460, 360, 22, 3)
    book(c, 150, 460, 1.5, eyes="closed")
    cat(c, 270, 464, size=0.8)
    return c


def _somebody_goes_on_reading() -> Canvas:
    c = Canvas((252, 232, 206))
    c.box(WOOD, 0, 520, WIDTH, 80)
    c.box((214, 164, 132), 182, 200, 36, 80)
    c.disc((226, 178, 146), 200, 176, 60)
    c.disc((92, 60, 46), 200, 136, 64, 0.66)
    c.shape((84, 122, 128), 90, 470, 120, 270, 280, 270, 310, 470)
    for side in (-1, 1):
        c.arc(INK, 3, 200 + side * 22, 186, 8, 20, 160)
        c.line((226, 178, 146), 26, 200 + side * 94, 330, 200 + side * 110, 440, 200 + side * 70, 480)
    c.arc(INK, 3, 200, 202, 16, 30, 150)
    open_book(c, 200, 530, 1.7)
    return c


def _the_end() -> Canvas:
    c = Canvas(RED)
    c.box(PAGE, 22, 22, WIDTH - 44, HEIGHT - 44, 6)
    c.disc(MOON, 200, 230, 70)
    book(c, 170, 420, 1.3, look=1, eyes="closed")
    cat(c, 250, 424, size=0.8)
    return c


PAGES: tuple[Callable[[], Canvas], ...] = (
    _title,
    _under_the_lamp,
    _the_moon_is_up,
    _it_stands_up,
    _the_edge,
    _the_jump,
    _across_the_floor,
    _somebody_wakes,
    _they_look_at_each_other,
    _a_ride,
    _stairs_of_books,
    _on_the_sill,
    _what_the_moon_reads,
    _from_outside,
    _morning,
    _somebody_goes_on_reading,
    _the_end,
)


def pages() -> list[bytes]:
    """Every page as a JPEG, in order; the first is the cover."""
    return [draw().jpeg() for draw in PAGES]
