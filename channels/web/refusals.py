"""What we say when we do not do what was asked, in plain words, for both carriers."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from channels.web.frames import RefusalCode, RefusedFrame

TEXTS: dict[RefusalCode, str] = {
    "bad_frame": "This could not be understood. Reload the page.",
    "too_large": "This is too long. Send it in several messages.",
    "wrong_kind": "This kind of file cannot be sent here. Pictures, PDF, office documents, sounds and films can.",
    "empty": "There is nothing in this message. Write something and send it again.",
    "invalid": "Something in this form needs another look.",
    "rate": "Too much at once. Wait a moment; it is sent again by itself.",
    "token": "This chat must sign in again.",
    "origin": "This page may not use this chat.",
    "conflict": "Another message was sent under the same number. Send this one again.",
    "unavailable": "We cannot take this right now. It is sent again by itself.",
    "unknown_conversation": "This conversation does not exist. Start a new one.",
}

STATUSES: dict[RefusalCode, int] = {
    "bad_frame": 400,
    "too_large": 413,
    "wrong_kind": 415,
    "empty": 422,
    "invalid": 422,
    "rate": 429,
    "token": 401,
    "origin": 403,
    "conflict": 409,
    "unavailable": 503,
    "unknown_conversation": 404,
}

STORE_WAIT = 2.0
"""Seconds after which a repeat may pass when the store did not take it."""


def refused(
    code: RefusalCode,
    text: str = "",
    *,
    id: str | None = None,
    wait: float | None = None,
    errors: dict[str, str] | UnsetType = UNSET,
) -> RefusedFrame:
    return RefusedFrame(code, text or TEXTS[code], id, wait, errors)


def unavailable(id: str | None = None) -> RefusedFrame:
    return refused("unavailable", id=id, wait=STORE_WAIT)
