"""What a log comes to, worked out a second time on plain JSON, so that one fold's mistake shows beside the other's.

Total: what it does not know leaves the state as it is. States are compared in one normal form: fields that say nothing
are left out, as are offers that no longer hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

Json = dict[str, Any]

_MOST_OFFERS = 100
_MOST_STEPS = 400
_MOST_SIGNALS = 10
_FIELDS = (
    "stack",
    "slots",
    "offers",
    "frames",
    "language",
    "queue",
    "customer",
    "timers",
    "marker",
    "clarified",
    "ended",
    "signals",
)


def folded(events: Iterable[tuple[int, Json]], heard: int) -> Json:
    """The state after a whole log of (seq, payload), as far as turns have heard it."""
    state: Json = {"stack": [], "slots": {}, "offers": [], "frames": 0, "language": "", "queue": [], "marker": 0}
    state.update(customer={}, timers=[], clarified=0, ended=None, signals={})
    for seq, body in events:
        match body.get("kind"):
            case "turned":
                for move in body.get("moves", ()):
                    _move(state, move)
            case "settled" if body.get("status") == "resolved":
                state.update(stack=[], offers=[], queue=[], timers=[], ended=None, signals={})
            case "controlled":
                state["offers"] = holding(state["offers"], body.get("control", {}).get("epoch", 0))
            case "returned" if seq <= heard:  # one that no turn has heard yet is not in the stored state
                state.update(marker=seq)
    return state


def normal(state: Mapping[str, Any], epoch: int) -> Json:
    """Without what says nothing, and without offers that a change of control has voided."""
    found = {name: state[name] for name in _FIELDS if state.get(name)}
    offers = holding(found.pop("offers", []), epoch)
    if offers:
        found["offers"] = [_told(offer) for offer in offers]
    if "stack" in found:
        found["stack"] = [_told(frame) for frame in found["stack"]]
    if "ended" in found:
        found["ended"] = _told(found["ended"])
    if "timers" in found:
        found["timers"] = [_told(timer) for timer in found["timers"]]
    if "queue" in found:
        found["queue"] = [_told(start) for start in found["queue"]]
    return found


def holding(offers: list[Json], epoch: int) -> list[Json]:
    return [offer for offer in offers if offer.get("epoch", 0) >= epoch]


def _told(struct: Json) -> Json:
    return {name: value for name, value in struct.items() if value not in ("", 0, False, None, [], {})}


def keep_time(timers: list[Json], move: Json) -> list[Json]:
    """The timers that run after a move, the first that is due first."""
    match move.get("move"):
        case "armed":
            timer = move["timer"]
            others = [each for each in timers if _place(each) != _place(timer)]
            return sorted([*others, timer], key=lambda each: due_at(each))
        case "disarmed":
            at = move.get("frame", 0)
            return [each for each in timers if each["name"] != move["name"] or at not in (0, each["frame"])]
        case "popped" | "rewound":
            return [each for each in timers if each["frame"] != move["frame"]]
        case _:
            return timers


def due_at(timer: Json) -> datetime:
    return datetime.fromisoformat(timer["due_at"])


def _place(timer: Json) -> tuple[Any, ...]:
    return timer["frame"], timer["step"], timer["name"], timer.get("n", 0)


def _move(state: Json, move: Json) -> None:
    state["timers"] = keep_time(state["timers"], move)
    frame = next((each for each in state["stack"] if each["id"] == move.get("frame")), None)
    if move.get("move") == "moved":
        names, at = move.get("steps", {}), move.get("frame")
        moved = [
            {**each, "step": names.get(each["step"], each["step"])} if each["frame"] == at else each
            for each in state["timers"]
        ]
        state["timers"] = [each for each in moved if each["step"]]
    match move.get("move"):
        case "pushed":
            new = {"step": "", "slots": {}, "results": {}, "read": [], "effects": [], "passes": 0, **move["frame"]}
            new.update({name: type(new[name])(new[name]) for name in ("slots", "results", "read", "effects")})
            state["stack"].append(new)
            state["frames"] = max(state["frames"], new["id"])
            if not (new.get("pattern") or new.get("caller")):
                state["ended"] = None
        case "popped":
            caller = next((each for each in state["stack"] if frame and each["id"] == frame.get("caller")), None)
            if caller and frame and frame["effects"] and caller["id"]:
                caller["effects"] = [*caller["effects"], caller["step"]][-_MOST_STEPS:]
            state["stack"] = [each for each in state["stack"] if each is not frame]
            if move.get("reopens") and frame is not None:
                state["ended"] = frame
        case "forgotten":
            state["ended"] = None
        case "reopened" if state["ended"] is not None and state["ended"]["id"] == move["frame"]:
            state["stack"].append(state["ended"])
            state["ended"] = None
        case "raised" if frame is not None:
            state["stack"] = [each for each in state["stack"] if each is not frame] + [frame]
        case "remembered":
            state["signals"].pop(move["name"], None)
            state["signals"][move["name"]] = move.get("value")
            for name in list(state["signals"])[:-_MOST_SIGNALS]:
                del state["signals"][name]
        case "recalled" if move.get("name"):
            state["signals"].pop(move["name"], None)
        case "recalled":
            state["signals"] = {}
        case "knew":
            state["customer"] = dict(move["customer"])
        case "filled" if move.get("frame", 0) == -1:
            state["customer"] = {**state["customer"], move["slot"]: move["value"]}
        case "emptied" if move.get("frame", 0) == -1:
            state["customer"] = {name: value for name, value in state["customer"].items() if name != move["slot"]}
        case "filled" if not move.get("frame"):
            state["slots"][move["slot"]] = move["value"]
        case "emptied" if not move.get("frame"):
            state["slots"].pop(move["slot"], None)
        case "offered":
            state["offers"] = (state["offers"] + list(move["offers"]))[-_MOST_OFFERS:]
        case "voided":
            tokens = move.get("tokens") or [offer["token"] for offer in state["offers"]]
            state["offers"] = [offer for offer in state["offers"] if offer["token"] not in tokens]
        case "queued":
            state["queue"] = [*state["queue"], move["start"]]
        case "dequeued":
            state["queue"] = state["queue"][1:]
        case "applied":
            asks = move["by"]["command"] == "clarify"
            state["clarified"] = state["clarified"] + 1 if asks else 0
        case "spoke":
            state["language"] = move["language"]
        case _ if frame is not None:
            _in_frame(state["stack"], frame, move)


def _in_frame(stack: list[Json], frame: Json, move: Json) -> None:
    match move.get("move"):
        case "entered":
            frame["step"] = move["step"]
            frame["read"] = [*frame["read"], [move["step"], list(move.get("reads", ()))]][-_MOST_STEPS:]
            frame["passes"] += 1
            frame["before"] = False
        case "rewound":
            frame["step"], frame["read"] = move["step"], frame["read"][: move["kept"]]
            frame["effects"] = [step for step in frame["effects"] if any(step == name for name, _ in frame["read"])]
            frame["before"] = True
        case "moved":
            names = move.get("steps", {})
            frame["version"], frame["step"] = move["version"], move["step"]
            read = [[names.get(step, step), reads] for step, reads in frame["read"]]
            frame["read"] = [each for each in read if each[0]]
            frame["effects"] = [name for step in frame["effects"] if (name := names.get(step, step))]
        case "filled":
            frame["results" if move.get("result") else "slots"][move["slot"]] = move["value"]
        case "emptied":
            frame["slots"].pop(move["slot"], None)
            frame["results"].pop(move["slot"], None)
        case "asked":
            if move["slot"] != frame.get("asking", ""):
                frame["picked"] = []
            frame["asking"], frame["tries"] = move["slot"], move.get("tries", 0)
            if move["slot"]:
                _mark_callers(stack, frame["id"])
        case "picked":
            frame["picked"] = list(move["values"])
        case "did" if move["effect"] != "read":
            frame["effects"] = [*frame["effects"], move["step"]][-_MOST_STEPS:]


def _mark_callers(stack: list[Json], at: int) -> None:
    """The frame that asks has asked, and so has each that waits for it."""
    for frame in reversed(stack):
        if frame["id"] == at:
            frame["asked"] = True
            at = frame.get("caller", 0)
