"""Events and moves in words, for people who look into a conversation: inspector, replay, conversation tests. Pure."""

from __future__ import annotations

from typing import NamedTuple, assert_never

import msgspec

from bot.commands import slash
from bot.fit import options_of, plain
from bot.model import (
    IN_CONVERSATION,
    WITH_CUSTOMER,
    Acted,
    Acting,
    Applied,
    Armed,
    Asked,
    Choices,
    Closed,
    Controlled,
    Deleted,
    Dequeued,
    Did,
    Disarmed,
    Discarded,
    Echoed,
    Edited,
    Emptied,
    Entered,
    Event,
    Filled,
    Forgotten,
    Halted,
    Json,
    Knew,
    Message,
    Migrated,
    Move,
    Moved,
    Noted,
    Offered,
    Opened,
    Partial,
    Picked,
    Popped,
    Pressed,
    Pushed,
    Queued,
    Raised,
    Rang,
    Reachable,
    Reacted,
    Recalled,
    Refused,
    Remembered,
    Reopened,
    Returned,
    Rewound,
    Said,
    Settled,
    Signalled,
    Spoke,
    Submitted,
    Timer,
    Turned,
    Viewed,
    Voided,
)


class Told(NamedTuple):
    who: str
    """Empty: nobody in particular."""
    does: str
    what: str = ""

    @property
    def line(self) -> str:
        does = f"{self.who} {self.does}".strip()
        return f"{does}: {self.what}" if self.what else does


def event_told(event: Event) -> list[Told]:
    """The event itself, and for a turn who declined it and why; its moves are told by `move_line`."""
    body, who = event.body, event.author.name or event.author.kind
    match body:
        case Said(message=message, revises=seq) if seq:
            return [
                Told(who, f"writes message {seq} anew" if message.parts else f"takes message {seq} back", said(message))
            ]
        case Said(message=message):
            return [Told(who, "says", said(message))]
        case Pressed(label=label, token=token):
            return [Told(who, "presses", label or token)]
        case Opened(payload=payload):
            return [Told(who, "opens the conversation", payload)]
        case Edited(message=message):
            return [Told(who, "writes anew", said(message))]
        case Deleted(ref=ref):
            return [Told(who, "takes a message back", ref)]
        case Submitted(values=values):
            return [Told(who, "fills in", _pairs(values))]
        case Reacted(emoji=emoji, added=added):
            return [Told(who, "reacts with" if added else "takes back", emoji)]
        case Viewed(ref=ref):
            return [Told(who, "has read up to message", ref)]
        case Halted():
            return [Told(who, "wants no more of the answer that is being written")]
        case Closed():
            return [Told(who, "closes the thread")]
        case Reachable(yes=yes):
            return [Told("", "messages arrive again" if yes else "messages cannot arrive any more")]
        case Migrated(to=to):
            return [Told("", "the chat goes on as", to.chat)]
        case Echoed(message=message, name=name):
            return [Told(name or "somebody", "says on our account", said(message))]
        case Noted(text=text):
            return [Told(event.author.name or "an agent", "notes", text)]
        case Controlled(control=control, was=was, why=why):
            change = f"{was} → {control.state} ({why or 'no reason given'}), epoch {control.epoch}"
            return [Told("", "control", change)]
        case Returned(how=how, by=by, instruction=instruction, step=step):
            return [Told(by, "hands back", " ".join(filter(None, (how, step, instruction))))]
        case Rang(due_at=due_at):
            return [Told("", "a timer rings", f"due at {due_at:%Y-%m-%d %H:%M:%S}")]
        case Signalled(name=name, value=value):
            return [Told("", f"signal {name}", shown(value))]
        case Settled(status=status, reason=reason):
            return [Told("", "status", f"{status} ({reason})" if reason else status)]
        case Turned(responder=responder, declined=declined):
            return [*(Told(name, "declined", why) for name, why in declined), Told(responder, "takes the turn")]
        case Acting(action=action, args=args):
            return [Told("", "runs", f"{action}({_pairs(args)})")]
        case Acted(result=result, error=error):
            return [Told("", "which failed", error) if error else Told("", "which gave", shown(result))]
        case Discarded(messages=messages):
            return [Told("", "not said any more, and kept for the agent", "; ".join(map(said, messages)))]
        case Partial(text=text):
            return [Told("bot", "was cut off after", text)]
        case _:
            assert_never(body)


def said(message: Message) -> str:
    """On one line, with what can be pressed."""
    labels = [option.label for part in message.parts for option in options_of(part)]
    texts = (part.prompt if isinstance(part, Choices) else plain(part) for part in message.parts)
    words = " / ".join(line for text in texts for line in text.split("\n") if line)
    return f"{words}  [{' | '.join(labels)}]" if labels else words


def _pairs(values: dict[str, Json]) -> str:
    return ", ".join(f"{name}={shown(value)}" for name, value in values.items())


def moves_of(event: Event) -> tuple[Move, ...]:
    return event.body.moves if isinstance(event.body, Turned) else ()


def move_line(move: Move) -> str:
    match move:
        case Applied(by=command, source=source):
            return f"{source}: {slash(command)}"
        case Refused(by=command, source=source, why=why):
            return f"{source}: {slash(command)} refused: {why}"
        case Pushed(frame=frame):
            return f"flow {frame.flow} begins (frame {frame.id}, version {frame.version})"
        case Popped(frame=frame, outcome=outcome):
            return f"frame {frame} ends: {outcome}"
        case Forgotten():
            return "the flow that ended last can no longer be corrected"
        case Reopened(frame=frame):
            return f"frame {frame}, which had ended, goes on"
        case Raised(frame=frame):
            return f"frame {frame} comes up"
        case Entered(step=step, reads=reads):
            return f"step {step}" + (f", reads {', '.join(reads)}" if reads else "")
        case Rewound(step=step):
            return f"back to step {step}"
        case Moved(frame=frame, version=version, step=step):
            return f"frame {frame} goes on in version {version}, at step {step or 'its beginning'}"
        case Filled(slot=slot, value=value, frame=frame, result=result):
            return f"{_where(frame)}{slot} = {shown(value)}" + (" (result)" if result else "")
        case Emptied(slot=slot, frame=frame):
            return f"{_where(frame)}{slot} is empty"
        case Asked(slot=slot, tries=tries):
            return f"asks {slot}" + (f", try {tries + 1}" if tries else "") if slot else "the question is settled"
        case Picked(values=values):
            return f"chosen so far: {', '.join(values) or 'nothing'}"
        case Did(action=action, effect=effect, ok=ok):
            return f"action {action} ({effect}) {'done' if ok else 'failed'}"
        case Offered(offers=offers):
            return f"offers {', '.join(offer.label for offer in offers)}"
        case Voided(tokens=tokens):
            return f"{len(tokens) or 'all'} offers are void"
        case Queued(start=start):
            return f"afterwards: {slash(start)}"
        case Dequeued():
            return "the next request begins"
        case Armed(timer=timer):
            return f"timer {timer_line(timer)}"
        case Disarmed(name=name, frame=frame):
            return f"{name} timers of {f'frame {frame}' if frame else 'all flows'} stop"
        case Remembered(name=name, value=value):
            return f"signal {name} is remembered: {shown(value)}"
        case Recalled(name=name):
            return f"signal {name} is used up" if name else "signals are forgotten"
        case Knew(customer=customer):
            return f"of the customer is known: {', '.join(customer) or 'nothing'}"
        case Spoke(language=language):
            return f"language {language}"
        case _:
            assert_never(move)


def timer_line(timer: Timer) -> str:
    return f"{timer.name} of step {timer.step}, due at {timer.due_at:%Y-%m-%d %H:%M:%S}"


def shown(value: Json) -> str:
    words = msgspec.json.encode(value).decode()
    return words if len(words) <= 120 else f"{words[:119]}…"


def _where(frame: int) -> str:
    match frame:
        case _ if frame == IN_CONVERSATION:
            return "conversation."
        case _ if frame == WITH_CUSTOMER:
            return "customer."
        case _:
            return ""
