"""Photos that people send, without what nobody meant to send with them: where they were taken, when, with what.

A picture is decoded and written anew: what is left is what is to be seen, and nothing that was hidden behind it.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any, BinaryIO

from bot.errors import TooLarge, WrongKind

FORMATS: Mapping[str, str] = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP", "image/gif": "GIF"}
MOST_PIXELS = 40_000_000
_LOOKS = ("icc_profile", "transparency")
"""Of what stands beside a picture, what changes how it looks."""
_WELL: Mapping[str, Any] = {"quality": 90}
"""For formats that lose something."""


def anew(file: BinaryIO, type: str) -> bytes | None:
    """The picture, turned as its camera said; None: it moves, and stays as it is. Blocks; for another thread.

    Raises `WrongKind` for what cannot be decoded, `TooLarge` for one of too many pixels, before they are made.
    """
    from PIL import Image, ImageOps

    try:
        image = Image.open(file, formats=(FORMATS[type],))
        if image.width * image.height > MOST_PIXELS:
            raise TooLarge(f"a picture of {image.width} x {image.height} pixels", most=MOST_PIXELS)
        if getattr(image, "n_frames", 1) > 1:
            return None
        turned = ImageOps.exif_transpose(image).copy()
        turned.info = {name: value for name, value in turned.info.items() if name in _LOOKS}
        written = BytesIO()
        turned.save(written, FORMATS[type], **({} if type in ("image/png", "image/gif") else _WELL))
        return written.getvalue()
    except TooLarge:
        raise
    except Exception as error:  # a decoder raises whatever it stumbles over
        raise WrongKind(f"{type} that cannot be decoded ({error})") from error
