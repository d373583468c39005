"""What the flows can do outside of the conversation. Here you ask your own systems."""

from __future__ import annotations

import os
from pathlib import Path

from bot.flow.declare import action


@action(effect="write")
async def keep_message(email: str, words: str, key: str) -> bool:
    """One file for each message, named by the key of the call: a repeat writes the same one again."""
    folder = Path(os.environ.get("FRONTDESK_DATA", "data")) / "messages"
    folder.mkdir(parents=True, exist_ok=True)
    name = "".join(c if c.isalnum() else "-" for c in key)
    (folder / f"{name}.txt").write_text(f"{email}\n\n{words}\n", encoding="utf-8")
    return True
