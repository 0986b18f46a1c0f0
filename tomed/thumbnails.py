"""A stranger's picture made small: looked at before it is decoded, and nothing worse than "no picture" comes of it.

A module of its own, because Pillow comes with it: five megabytes that a daemon needs once somebody looks at a page.
"""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

from PIL import Image, ImageOps

SOURCE_BYTES_MAX = 64 << 20
PIXELS_MAX = 60_000_000
KINDS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")


def shrink(source: Path, box: tuple[int, int]) -> bytes | None:
    """The picture at ``source`` as a JPEG that fits ``box``; None when it is none, broken, or a bomb."""
    try:
        if source.stat().st_size > SOURCE_BYTES_MAX:
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # our own limit below is the stricter one
            with Image.open(source, formats=KINDS) as opened:
                if opened.width * opened.height > PIXELS_MAX:
                    return None
                opened.draft("RGB", box)  # a JPEG is decoded at a fraction of its size
                upright = ImageOps.exif_transpose(opened)
                upright.thumbnail(box, Image.Resampling.LANCZOS, reducing_gap=2.0)
                return _encode(upright)
    except Exception:  # Pillow answers hostile bytes with many kinds of exceptions: all mean "no picture"
        return None


def _encode(picture: Image.Image) -> bytes:
    if picture.mode in ("RGBA", "LA", "PA", "P"):
        layered = picture.convert("RGBA")
        picture = Image.new("RGB", layered.size, "white")
        picture.paste(layered, mask=layered.getchannel("A"))
    with tempfile.SpooledTemporaryFile(max_size=1 << 20) as out:
        picture.convert("RGB").save(out, "JPEG", quality=82, optimize=True, progressive=False)
        out.seek(0)
        return out.read()
