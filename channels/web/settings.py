"""What an operator may set for one account of the widget."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from bot.uploads import MOST_UPLOAD

_DEFAULT_PORTS = {"http": 80, "https": 443}


class WebLimits(BaseModel):
    """What one visitor, one address and one connection may ask of us. An IPv6 address counts by its /64."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text_bytes: int = Field(default=8 * 1024, ge=1)
    """Longest message, as UTF-8."""
    frame_bytes: int = Field(default=64 * 1024, ge=1024)
    """Longest frame or body. The server's own limit for WebSocket messages must be above it, or it closes the line."""
    messages_per_minute: int = Field(default=30, ge=1)
    """Of one visitor: messages and presses."""
    messages_per_address: int = Field(default=300, ge=1)
    """The same of one address, per minute: many visitors may share it."""
    file_bytes: int = Field(default=MOST_UPLOAD, ge=1, le=MOST_UPLOAD)
    """Longest file."""
    files_per_minute: int = Field(default=10, ge=1)
    """Of one visitor: uploads."""
    files_per_address: int = Field(default=60, ge=1)
    """The same of one address, per minute."""
    downloads_per_address: int = Field(default=600, ge=1)
    """Files that are shown, per minute."""
    reads_per_address: int = Field(default=300, ge=1)
    """Hellos and pages of older messages, per minute."""
    tokens_per_address: int = Field(default=60, ge=1)
    """Per minute."""
    frames_per_second: int = Field(default=50, ge=1)
    """Of one connection, of every kind; more closes it."""
    connections_per_address: int = Field(default=100, ge=1)
    connections_per_visitor: int = Field(default=20, ge=1)


class WebSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    account: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    """The name that pages put into `data-account`."""
    origins: tuple[str, ...] = ()
    """Sites that may embed the widget, as `https://shop.example.org`. This server's own pages always may."""
    brand: str
    assistant: str
    """The bot's name, as customers see it."""
    limits: WebLimits = WebLimits()
    recheck_seconds: float = Field(default=60.0, ge=0)
    """How often a connection is compared with the log, for what a bus that lost something did not tell. 0: never, which
    is right where the bus loses nothing."""

    @field_validator("origins")
    @classmethod
    def _exact(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(_origin, origins))


def _origin(given: str) -> str:
    """As a browser writes it. Raises `ValueError` for what no browser would ever send."""
    parts = urlsplit(given.strip().lower())
    port = parts.port  # raises ValueError
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or not given.isascii():
        raise ValueError(f"{given!r} is not an origin; write it like 'https://shop.example.org'")
    if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc or "*" in parts.netloc:
        raise ValueError(f"{given!r} is more than an origin; leave out everything after the host and its port")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    shown = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{host}{shown}"
