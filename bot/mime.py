"""What a file is: by its first bytes, never by what somebody says of it. Pure.

The name only chooses between formats that begin alike (an office document is a ZIP archive) and between kinds of text.
What is not listed is taken from nobody: least of all what a browser would run (HTML, SVG) and what a machine would.
"""

from __future__ import annotations

import codecs
import unicodedata
from typing import Literal

Kind = Literal["image", "audio", "video", "file"]

HEAD = 4096
"""So many first bytes are enough."""
UNKNOWN = "application/octet-stream"
SHOWN = frozenset(("image/png", "image/jpeg", "image/gif", "image/webp"))
"""Pictures that a browser may draw in place: none of them can hold a script."""
PLAYED = frozenset(
    (
        *("audio/mpeg", "audio/ogg", "audio/wav", "audio/flac", "audio/mp4", "audio/aac", "audio/webm"),
        *("video/mp4", "video/webm", "video/quicktime"),
    )
)
"""Sounds and films that a browser may play in place."""
ENDINGS: dict[str, tuple[str, ...]] = {
    "image/png": ("png",),
    "image/jpeg": ("jpg", "jpeg", "jpe", "jfif"),
    "image/gif": ("gif",),
    "image/webp": ("webp",),
    "image/heic": ("heic", "heif"),
    "image/avif": ("avif",),
    "image/tiff": ("tif", "tiff"),
    "image/bmp": ("bmp",),
    "audio/mpeg": ("mp3", "mpga"),
    "audio/ogg": ("ogg", "oga", "opus"),
    "audio/wav": ("wav",),
    "audio/flac": ("flac",),
    "audio/mp4": ("m4a", "m4b", "mp4"),
    "audio/aac": ("aac",),
    "audio/amr": ("amr",),
    "audio/webm": ("weba", "webm"),
    "video/mp4": ("mp4", "m4v"),
    "video/webm": ("webm",),
    "video/quicktime": ("mov", "qt"),
    "application/pdf": ("pdf",),
    "application/rtf": ("rtf",),
    "application/zip": ("zip",),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ("docx",),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ("xlsx",),
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ("pptx",),
    "application/vnd.oasis.opendocument.text": ("odt",),
    "application/vnd.oasis.opendocument.spreadsheet": ("ods",),
    "application/vnd.oasis.opendocument.presentation": ("odp",),
    "application/msword": ("doc",),
    "application/vnd.ms-excel": ("xls",),
    "application/vnd.ms-powerpoint": ("ppt",),
    "text/plain": ("txt", "text", "log", "md"),
    "text/csv": ("csv",),
    "text/calendar": ("ics",),
    "text/vcard": ("vcf",),
}
"""What may be kept of what people send: type to the endings its name may have, the usual one first."""

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (0, b"BM", "image/bmp"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"\xff\xf2", "audio/mpeg"),
    (0, b"\xff\xf1", "audio/aac"),
    (0, b"\xff\xf9", "audio/aac"),
    (0, b"OggS", "audio/ogg"),
    (8, b"WAVE", "audio/wav"),
    (0, b"fLaC", "audio/flac"),
    (0, b"#!AMR", "audio/amr"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"{\\rtf", "application/rtf"),
    (0, b"PK\x03\x04", "application/zip"),
)
_BRANDS = {
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"qt  ": "video/quicktime",
    b"avif": "image/avif",
    **dict.fromkeys((b"heic", b"heix", b"mif1", b"msf1", b"heim", b"heis"), "image/heic"),
}
"""Of files that say `ftyp`; every other is a film."""
_IN_ZIP = ("docx", "xlsx", "pptx", "odt", "ods", "odp")
_IN_OLE = ("doc", "xls", "ppt")
_IN_TEXT = ("csv", "ics", "vcf")
_BY_ENDING = {endings[0]: type for type, endings in ENDINGS.items()}
_DECODER = codecs.getincrementaldecoder("utf-8")
_MARKUP = (b"<!doctype html", b"<html", b"<head", b"<body", b"<script", b"<svg", b"<iframe", b"<img", b"<?xml", b"<!--")


def type_of(head: bytes, name: str = "") -> str:
    """MIME, from the first bytes (`HEAD` of them are enough); `UNKNOWN` for what is not listed."""
    ending = ending_of(name)
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video/mp4")
    if head.startswith(b"\x1aE\xdf\xa3"):
        return _matroska(head)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _BY_ENDING[ending] if ending in _IN_OLE else UNKNOWN
    for at, magic, found in _MAGIC:
        if head.startswith(magic, at) and (at == 0 or head.startswith(b"RIFF")):
            return _BY_ENDING[ending] if found == "application/zip" and ending in _IN_ZIP else found
    if _is_text(head):
        return _BY_ENDING[ending] if ending in _IN_TEXT else "text/plain"
    return UNKNOWN


def allowed(type: str, name: str = "") -> bool:
    """Whether it may come in: its type is listed, and a name that has an ending has one of that type."""
    ending = ending_of(name)
    return type in ENDINGS and (not ending or ending in ENDINGS[type])


def kind_of(type: str) -> Kind:
    match type.partition("/")[0]:
        case "image":
            return "image" if type in SHOWN else "file"
        case "audio":
            return "audio"
        case "video":
            return "video"
        case _:
            return "file"


def ending_of(name: str) -> str:
    """Of a file's name, in small letters, without the dot; empty: it has none."""
    stem, dot, ending = name.rpartition(".")
    return ending.casefold() if dot and stem and ending.isalnum() else ""


def clean_name(name: str, type: str = "", *, most: int = 120) -> str:
    """A name to show and to offer for saving: one line, no folders, nothing that changes the direction of writing.

    It is never used as a path. Without anything left it is `file`, with the ending of its type.
    """
    last = name.replace("\\", "/").rpartition("/")[2]
    plain = "".join(each for each in last if unicodedata.category(each) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
    plain = plain.translate(dict.fromkeys(map(ord, '<>:"|?*'), "_")).strip(" .")
    if not plain:
        return f"file.{ENDINGS[type][0]}" if type in ENDINGS else "file"
    ending = ending_of(plain)
    return plain if len(plain) <= most else f"{plain[: most - len(ending) - 2]}….{ending}" if ending else plain[:most]


def _matroska(head: bytes) -> str:
    """WebM of a recorder says which tracks it has within its first bytes."""
    if b"webm" not in head[:64]:
        return UNKNOWN
    return "audio/webm" if b"A_OPUS" in head and b"V_" not in head else "video/webm"


def _is_text(head: bytes) -> bool:
    if not head or head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_MARKUP):
        return False
    try:
        characters = _DECODER().decode(head)  # the last character may be cut in two
    except UnicodeDecodeError:
        return False
    return not any((ord(each) < 32 and each not in "\t\r\n\f") or each == "\x7f" for each in characters)
