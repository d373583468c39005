import pytest

from bot.mime import UNKNOWN, allowed, clean_name, kind_of, type_of

FTYP = b"\0\0\0\x18ftyp"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pytest.mark.parametrize(
    ("head", "name", "type"),
    [
        (b"\x89PNG\r\n\x1a\n", "a.png", "image/png"),
        (b"\xff\xd8\xff\xe0", "a.JPG", "image/jpeg"),
        (b"GIF89a", "", "image/gif"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "a.webp", "image/webp"),
        (b"RIFF\x10\0\0\0WAVEfmt ", "a.wav", "audio/wav"),
        (b"12345678WEBP", "a.webp", "text/plain"),
        (FTYP + b"isom", "a.mp4", "video/mp4"),
        (FTYP + b"M4A ", "a.m4a", "audio/mp4"),
        (FTYP + b"heic", "a.heic", "image/heic"),
        (b"\x1aE\xdf\xa3....webm..A_OPUS", "", "audio/webm"),
        (b"\x1aE\xdf\xa3....webm..V_VP8..A_OPUS", "", "video/webm"),
        (b"\x1aE\xdf\xa3....matroska", "", UNKNOWN),
        (b"%PDF-1.7", "a.pdf", "application/pdf"),
        (b"PK\x03\x04", "a.zip", "application/zip"),
        (b"PK\x03\x04", "a.docx", DOCX),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a.doc", "application/msword"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a.msi", UNKNOWN),
        ("Grüße\n".encode(), "a.txt", "text/plain"),
        (b"a;b\n1;2\n", "a.csv", "text/csv"),
        ("é".encode() * 3000, "cut within a character.txt", "text/plain"),
        (b"\xff\xfea\0", "utf-16.txt", UNKNOWN),
        (b"MZ\x90\0", "a.exe", UNKNOWN),
        (b"\x7fELF", "a", UNKNOWN),
        (b"", "a.txt", UNKNOWN),
        (b" \n<SVG xmlns='http://www.w3.org/2000/svg'>", "a.svg", UNKNOWN),
        (b"\xef\xbb\xbf<!DOCTYPE html>", "a.txt", UNKNOWN),
        (b"<?xml version='1.0'?><svg/>", "a.xml", UNKNOWN),
    ],
)
def test_a_type_is_told_by_the_first_bytes(head: bytes, name: str, type: str) -> None:
    assert type_of(head, name) == type


@pytest.mark.parametrize(
    ("type", "name", "may"),
    [
        ("image/png", "a.png", True),
        ("image/jpeg", "a.JPEG", True),
        ("image/png", "", True),
        ("image/png", "IMG 0001", True),
        ("image/png", "a.jpg", False),
        ("image/png", "a.png.exe", False),
        ("text/plain", "a.html", False),
        ("text/plain", "a.bat", False),
        (UNKNOWN, "a.png", False),
        ("image/svg+xml", "a.svg", False),
    ],
)
def test_name_and_bytes_must_agree(type: str, name: str, may: bool) -> None:
    assert allowed(type, name) is may


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("a.png", "a.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ana\\shoe.jpg", "shoe.jpg"),
        ("a\r\nSet-Cookie: x.png", "aSet-Cookie_ x.png"),
        ("photo\u202egnp.exe", "photognp.exe"),
        ('a"b.png', "a_b.png"),
        ("", "file.png"),
        ("...", "file.png"),
        ("x" * 500 + ".png", "x" * 115 + "….png"),
        ("Größe 鞋.png", "Größe 鞋.png"),
    ],
)
def test_a_name_is_one_harmless_line(name: str, clean: str) -> None:
    assert clean_name(name, "image/png") == clean


def test_only_what_a_browser_draws_safely_is_a_picture() -> None:
    assert {type: kind_of(type) for type in ("image/png", "image/heic", "audio/ogg", "video/mp4", UNKNOWN)} == {
        "image/png": "image",
        "image/heic": "file",
        "audio/ogg": "audio",
        "video/mp4": "video",
        UNKNOWN: "file",
    }
