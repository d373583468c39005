"""Sounds that players take for what they are: a tone for what can be written plainly, silence for the rest."""

from __future__ import annotations

import io
import math
import struct
import wave

RATE = 24_000
TYPES = {"mp3": "audio/mpeg", "opus": "audio/ogg", "wav": "audio/wav", "pcm": "audio/pcm"}


def sound(format: str, seconds: float) -> bytes:
    match format:
        case "wav":
            file = io.BytesIO()
            with wave.open(file, "wb") as out:
                out.setnchannels(1)
                out.setsampwidth(2)
                out.setframerate(RATE)
                out.writeframes(_tone(seconds))
            return file.getvalue()
        case "pcm":
            return _tone(seconds)
        case "opus":
            return _ogg_opus(seconds)
        case _:
            return _mp3(seconds)


def _tone(seconds: float) -> bytes:
    count = int(RATE * seconds)
    samples = (int(6_000 * math.sin(at * 330 * math.tau / RATE) * min(1, (count - at) / 2_400)) for at in range(count))
    return b"".join(struct.pack("<h", sample) for sample in samples)


def _mp3(seconds: float) -> bytes:
    """MPEG-1 layer III, 128 kbit/s, 44.1 kHz, mono; a frame of zeros is silence of 1,152 samples."""
    frame = b"\xff\xfb\x90\xc4" + bytes(413)
    return frame * max(1, round(seconds * 44_100 / 1_152))


def _ogg_opus(seconds: float) -> bytes:
    """RFC 7845, of 20 ms packets that are silent."""
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 0, 48_000, 0, 0)
    tags = b"OpusTags" + struct.pack("<I", 9) + b"frontdesk" + struct.pack("<I", 0)
    packets = max(1, round(seconds * 50))
    pages = [_page(head, 0, 0, first=True), _page(tags, 1, 0)]
    for number, begin in enumerate(range(0, packets, 50), 2):
        some = min(50, packets - begin)
        last = begin + some == packets
        pages.append(_page(b"\xf8\xff\xfe" * some, number, (begin + some) * 960, packets=some, last=last))
    return b"".join(pages)


def _page(
    body: bytes, number: int, granule: int, *, packets: int = 1, first: bool = False, last: bool = False
) -> bytes:
    """An Ogg page of equal packets, each shorter than 255 bytes."""
    flags = (2 if first else 0) | (4 if last else 0)
    lacing = bytes([len(body) // packets] * packets)
    head = struct.pack("<4sBBqIII", b"OggS", 0, flags, granule, 1, number, 0) + bytes([packets]) + lacing
    check = _crc(head + body)
    return head[:22] + struct.pack("<I", check) + head[26:] + body


def _crc(data: bytes) -> int:
    """Polynomial 0x04c11db7, neither reflected nor inverted, unlike that of zlib."""
    value = 0
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value & 0x8000_0000 else 0)) & 0xFFFF_FFFF
    return value
