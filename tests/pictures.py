"""Real pictures for tests, as a camera or a program would write them."""

from io import BytesIO
from typing import Any

from PIL import Image


def png(colour: str = "red", size: tuple[int, int] = (300, 200)) -> bytes:
    return saved(Image.new("RGB", size, colour), "PNG")


def noise(side: int = 300) -> bytes:
    """A PNG that cannot be made small."""
    return saved(Image.effect_noise((side, side), 100), "PNG")


def saved(image: Image.Image, format: str, **options: Any) -> bytes:
    written = BytesIO()
    image.save(written, format, **options)
    return written.getvalue()
