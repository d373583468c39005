"""Refusals as HTTP answers (RFC 9457), and what goes with every answer of this door."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from fastapi import Response

from bot.model import Event
from channels.console.frames import Problem, Row

Code = Literal[
    "signed_out",
    "csrf",
    "forbidden",
    "not_found",
    "invalid",
    "control",
    "newer",
    "rate",
    "unavailable",
    "wrong_sign_in",
]

TITLES: Mapping[Code, str] = {
    "signed_out": "Signed out",
    "csrf": "Not from this page",
    "forbidden": "Not allowed",
    "not_found": "Not found",
    "invalid": "Not understood",
    "control": "Somebody else has the conversation",
    "newer": "There are newer messages",
    "rate": "Too many tries",
    "unavailable": "Not available now",
    "wrong_sign_in": "Wrong e-mail address or password",
}

SECURITY = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""On every answer; pages have a content policy of their own."""

_encode = msgspec.json.Encoder().encode


class Denied(Exception):
    """A refusal on its way to the browser. `text` is for the agent: what happened and what to do next."""

    def __init__(
        self,
        status: int,
        code: Code,
        text: str,
        *,
        row: Row | None = None,
        events: tuple[Event, ...] = (),
        wait: float | None = None,
    ) -> None:
        super().__init__(text)
        self.status = status
        self.code: Code = code
        self.text = text
        self.row = row
        self.events = events
        self.wait = wait


def answer(body: msgspec.Struct, *, status: int = 200) -> Response:
    """One of the `frames`, encoded as it is; FastAPI's own encoder would take it apart first."""
    return Response(_encode(body), status, media_type="application/json")


def problem(denied: Denied, request_id: str) -> Response:
    body = Problem(
        type=f"urn:frontdesk:problem:{denied.code}",
        title=TITLES[denied.code],
        status=denied.status,
        code=denied.code,
        text=denied.text,
        request=request_id,
        row=denied.row,
        events=denied.events,
        wait=denied.wait,
    )
    headers = {} if denied.wait is None else {"Retry-After": str(max(1, math.ceil(denied.wait)))}
    return Response(_encode(body), denied.status, headers, "application/problem+json")


def answers(name: str | None, *refusals: int) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of a route: the frame it answers with (None: nothing, 204), and how it may refuse."""
    found: dict[int | str, dict[str, Any]] = {
        status: {"description": _REFUSALS[status], "content": {"application/problem+json": _schema("Problem")}}
        for status in sorted({*refusals, 403, 422, 503})
    }
    if name is None:
        return {204: {"description": "Done"}, **found}
    return {200: {"description": "Done", "content": {"application/json": _schema(name)}}, **found}


FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    },
    206: {"description": "The part of it that was asked for"},
    416: {"description": "It ends before that"},
}
"""What OpenAPI says of a route that answers with a file."""


def _schema(name: str) -> dict[str, Any]:
    return {"schema": {"$ref": f"#/components/schemas/Console{name}"}}


_REFUSALS = {
    400: "No JSON",
    401: "Signed out",
    403: "Not from this page, or not allowed",
    404: "Not found",
    408: "The upload stopped half-way",
    409: "Somebody else has it, or there are newer messages",
    413: "Too large",
    415: "A kind of file that is not taken",
    422: "Not understood",
    429: "Too many tries",
    503: "The store does not answer; try again",
}
