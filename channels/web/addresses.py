"""Where the chat loads files of ours from.

The page that loads a picture sends no token with it: so its address is signed and ends, and whoever is given it in a
conversation may open it until then.
"""

from __future__ import annotations

import base64
import hmac
from urllib.parse import quote

import msgspec

from bot.model import Media
from bot.ports import KEPT, Clock

PATH = "api/widget/files"
STEP = 6 * 3600
"""Seconds for which the address of a file stays the same, so that a browser can keep what it loaded."""


class FileAddresses:
    """Makes and reads the addresses under which one account's visitors load files of ours: for 6 to 12 hours."""

    def __init__(self, secret: bytes, account: str, clock: Clock) -> None:
        self._key = hmac.digest(secret, b"frontdesk widget file", "sha256")
        self._account, self._clock = account, clock

    def of(self, media: Media) -> str:
        """Relative to the server's; empty: it is none of ours."""
        if not media.ref.startswith(KEPT):
            return ""
        digest, name, ends_at = media.ref.removeprefix(KEPT), media.name or "file", (self._now() // STEP + 2) * STEP
        return f"{PATH}/{digest}.{ends_at:x}.{self._signature(digest, ends_at, name)}/{quote(name, safe='')}"

    def ref(self, signed: str, name: str) -> str | None:
        """None for everything that is no address of ours, unchanged and not ended."""
        digest, _, rest = signed.partition(".")
        ends, _, given = rest.partition(".")
        try:
            ends_at = int(ends, 16)
        except ValueError:
            return None
        is_ours = hmac.compare_digest(given.encode(), self._signature(digest, ends_at, name).encode())
        return f"{KEPT}{digest}" if is_ours and self._now() < ends_at else None

    def _signature(self, digest: str, ends_at: int, name: str) -> str:
        signed = msgspec.json.encode((self._account, digest, ends_at, name))
        return base64.urlsafe_b64encode(hmac.digest(self._key, signed, "sha256")[:18]).decode()

    def _now(self) -> int:
        return int(self._clock.now().timestamp())
