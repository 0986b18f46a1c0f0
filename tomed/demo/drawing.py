"""Small pictures made with Pillow: covers of words, and plain numbered pages."""

from __future__ import annotations

import io
import textwrap
import time

from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]


def encoded(image: Image.Image, form: str = "JPEG") -> bytes:
    """The picture as a file, with settings that give the same bytes every time."""
    buffer = io.BytesIO()
    if form == "JPEG":
        image.convert("RGB").save(buffer, "JPEG", quality=85, optimize=True)
    else:
        image.save(buffer, form, optimize=True)
    return buffer.getvalue()


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The font that Pillow brings itself: nothing on the machine is asked for."""
    return ImageFont.load_default(size)


def cover(
    title: str,
    author: str,
    *,
    size: tuple[int, int] = (600, 900),
    ground: Colour = (38, 70, 83),
    ink: Colour = (244, 241, 222),
    numeral: str = "",
) -> bytes:
    """A calm cover in JPEG: title above, ``numeral`` large in the middle, author below."""
    image = Image.new("RGB", size, ground)
    draw = ImageDraw.Draw(image)
    width, height = size
    edge = width // 20
    draw.rectangle((edge, edge, width - edge, height - edge), outline=ink, width=max(1, width // 200))
    lines = "\n".join(textwrap.wrap(title, 16)[:5])
    draw.multiline_text((width / 2, height * 0.22), lines, ink, font(width // 11), anchor="mm", align="center")
    if numeral:
        draw.text((width / 2, height * 0.55), numeral, ink, font(width // 3), anchor="mm")
    draw.line((width * 0.4, height * 0.8, width * 0.6, height * 0.8), ink, max(1, width // 150))
    draw.text((width / 2, height * 0.87), author[:40], ink, font(width // 20), anchor="mm")
    return encoded(image)


def numbered_page(number: int, *, size: tuple[int, int] = (200, 300), form: str = "JPEG") -> bytes:
    """A page that says which it is, each with a ground of its own."""
    ground = (40 + number * 37 % 150, 60 + number * 59 % 150, 80 + number * 83 % 150)
    image = Image.new("RGB", size, ground)
    ImageDraw.Draw(image).text((size[0] / 2, size[1] / 2), str(number), "white", font(size[0] // 3), anchor="mm")
    return encoded(image, form)


def numbered_pdf(count: int) -> bytes:
    """A PDF of ``count`` numbered pages."""
    pages = [Image.open(io.BytesIO(numbered_page(n))) for n in range(1, count + 1)]
    buffer = io.BytesIO()
    moment = time.gmtime(1_767_225_600)
    pages[0].save(buffer, "PDF", save_all=True, append_images=pages[1:], creationDate=moment, modDate=moment)
    return buffer.getvalue()
