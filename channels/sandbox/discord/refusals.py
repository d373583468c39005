"""What Discord answers to what it does not accept: HTTP status, its own code, and what is wrong with which field.

Codes and texts as in its documentation ("Opcodes and Status Codes", JSON error codes) and as the real one words them.
"""

from __future__ import annotations

from typing import Any, Final

Tree = dict[str, Any]
"""By field, as deep as the body; under `_errors` what is wrong there."""


class Refused(Exception):
    """A call that is not done."""

    def __init__(self, status: int, code: int, message: str, errors: Tree | None = None) -> None:
        super().__init__(f"{status} ({code}) {message}: {errors}" if errors else f"{status} ({code}) {message}")
        self.status, self.code, self.message, self.errors = status, code, message, errors

    @property
    def body(self) -> Tree:
        told: Tree = {"message": self.message, "code": self.code}
        return told | {"errors": self.errors} if self.errors else told


KNOWN: Final = {
    "unauthorized": (401, 0, "401: Unauthorized"),
    "not_found": (404, 0, "404: Not Found"),
    "bad_method": (405, 0, "405: Method Not Allowed"),
    "unknown_channel": (404, 10003, "Unknown Channel"),
    "unknown_guild": (404, 10004, "Unknown Guild"),
    "unknown_member": (404, 10007, "Unknown Member"),
    "unknown_message": (404, 10008, "Unknown Message"),
    "unknown_user": (404, 10013, "Unknown User"),
    "unknown_emoji": (400, 10014, "Unknown Emoji"),
    "unknown_webhook": (404, 10015, "Unknown Webhook"),
    "unknown_interaction": (404, 10062, "Unknown interaction"),
    "unknown_command": (404, 10063, "Unknown application command"),
    "too_large": (413, 40005, "Request entity too large"),
    "answered": (400, 40060, "Interaction has already been acknowledged."),
    "missing_access": (403, 50001, "Missing Access"),
    "foreign_message": (403, 50005, "Cannot edit a message authored by another user"),
    "empty_message": (400, 50006, "Cannot send an empty message"),
    "cannot_dm": (403, 50007, "Cannot send messages to this user"),
    "non_text": (400, 50008, "Cannot send messages in a non-text channel"),
    "missing_permissions": (403, 50013, "Missing Permissions"),
    "wrong_kind": (400, 50024, "Cannot execute action on this channel type"),
    "bad_token": (401, 50027, "Invalid Webhook Token"),
    "archived": (400, 50083, "Thread is archived"),
    "bad_json": (400, 50109, "The request body contains invalid JSON."),
    "has_thread": (400, 160004, "A thread has already been created for this message"),
}


def refused(name: str) -> Refused:
    return Refused(*KNOWN[name])


def usual(status: int, error: str) -> Refused:
    """What a script of faults asks for; `error` is one of Discord's codes."""
    for known in KNOWN.values():
        if known[0] == status and error in (str(known[1]), ""):
            return Refused(*known)
    words = {400: "400: Bad Request", 403: "Missing Access", 500: "500: Internal Server Error"}
    return Refused(status, int(error) if error.isdigit() else 0, words.get(status, f"{status}: Error"))


class Problems:
    """What is wrong with a body, field by field."""

    def __init__(self) -> None:
        self._tree: Tree = {}

    def add(self, path: tuple[str | int, ...], code: str, message: str) -> None:
        at = self._tree
        for part in path:
            at = at.setdefault(str(part), {})
        at.setdefault("_errors", []).append({"code": code, "message": message})

    def raise_any(self) -> None:
        if self._tree:
            raise Refused(400, 50035, "Invalid Form Body", self._tree)


def invalid(path: tuple[str | int, ...], code: str, message: str) -> Refused:
    problems = Problems()
    problems.add(path, code, message)
    try:
        problems.raise_any()
    except Refused as refusal:
        return refusal
    raise AssertionError
