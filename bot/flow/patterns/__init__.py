"""The flows that the engine starts by itself: which there are, what each is given, and what it may decide.

Beside this file lies each of them as it is shipped. A project replaces one by a file that begins with `pattern: NAME`.
"""

from __future__ import annotations

from collections.abc import Mapping

PATTERNS: Mapping[str, Mapping[str, str]] = {
    "start": {},
    "end": {
        "flow": "what the flow that has ended is called",
        "outcome": "how it ended: done, cancelled, or the name its step gave",
    },
    "rate": {},
    "resume": {
        "flow": "what the flow is called that goes on",
        "options": "where several wait: a list of {label, command} to choose from; else empty",
    },
    "correct": {
        "slot": "the slot that was changed",
        "old": "what it held; null: nothing",
        "value": "what it holds now; null: nothing",
    },
    "too_late": {
        "slot": "the slot that was to be changed",
        "old": "what it holds",
        "value": "what it was to hold; null: nothing",
        "done": "what has been done already: a list of words for it",
        "can_undo": "whether each of these things has an action that undoes it",
        "ended": "whether the flow had ended already",
        "options": "where it had, and not all can be undone: a list of {label, command} of what can be done instead",
    },
    "cancel": {
        "flow": "what the flow is called that was stopped; empty: there was none",
        "done": "what had been done already and stays done: a list of words for it",
    },
    "clarify": {
        "options": "a list of {label, command} to choose from",
        "close": "whether they are what was nearest to the words; else all that can be asked for",
        "times": "how often in a row this was asked, with this time",
    },
    "skip": {
        "slot": "the slot that was to be left out",
        "refused": "whether it must be answered",
    },
    "repeat": {
        "pending": "whether a question waits, which is then asked once more",
        "options": "a list of {label, command} of all that can be asked for",
    },
    "lookup": {
        "question": "what the customer wants to know",
        "answered": "whether it has been answered",
        "pending": "whether a question waits, which is then repeated",
    },
    "chat": {
        "answered": "whether something was said to it",
        "pending": "whether a question waits, which is then repeated",
        "options": "a list of {label, command} of all that can be asked for",
    },
    "stuck": {
        "slot": "the slot that is asked for",
        "tries": "how many answers could not be used, with this one",
        "left": "how many tries are left; 0: the question is given up",
        "error": "what an answer must look like, in words",
    },
    "silent": {
        "times": "which of the question's quiet entries this is, from 1",
        "cancels": "whether the flow ends with it",
    },
    "handoff": {
        "reason": "why a person is asked for",
        "note": "what was said to it",
    },
    "error": {
        "reason": (
            "empty, long, blocked, quota, unsupported, no_evidence, changed, lost, failed, void, cannot, too_many;"
            " or what the command `refuse` gave"
        ),
    },
}
"""By name: what it is given, each with what it means. Known in its expressions and texts."""

UNDO, PERSON = "undo", "person"
"""Outcomes the engine acts on: `too_late` may end with `undo`, every pattern with `person`, which asks for a human."""

CALLABLE = ("rate",)
"""Patterns that a flow may `call`."""
