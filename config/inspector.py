"""What the inspector and the replay say of events and of the state, in lines of plain text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from bot import fit
from bot.commands import slash
from bot.fit import plain
from bot.model import (
    IN_CONVERSATION,
    WITH_CUSTOMER,
    Acted,
    Acting,
    Applied,
    Armed,
    Asked,
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
    Frame,
    Json,
    Knew,
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
    State,
    Submitted,
    Timer,
    Turned,
    Viewed,
    Voided,
)


def event_lines(event: Event) -> list[str]:
    """The event itself, and for a turn who declined it and why; its moves are told by `move_line`."""
    body = event.body
    match body:
        case Said(message=message):
            words = " / ".join(line for part in message.parts for line in plain(part).splitlines() if line)
            return [f"{event.author.kind} says: {words}"]
        case Pressed(label=label, token=token):
            return [f"{event.author.kind} presses: {label or token}"]
        case Opened():
            return [f"{event.author.kind} opens the conversation"]
        case Edited(message=message):
            return [f"{event.author.kind} writes anew: {fit.words(message)}"]
        case Deleted(ref=ref):
            return [f"{event.author.kind} takes message {ref} back"]
        case Submitted(values=values):
            return [f"{event.author.kind} fills in: {', '.join(f'{name}={shown(v)}' for name, v in values.items())}"]
        case Reacted(emoji=emoji, added=added):
            return [f"{event.author.kind} {'reacts with' if added else 'takes back'} {emoji}"]
        case Viewed(ref=ref):
            return [f"{event.author.kind} has read up to message {ref}"]
        case Reachable(yes=yes):
            return ["messages arrive again" if yes else "messages cannot arrive any more"]
        case Migrated(to=to):
            return [f"the chat goes on as {to.chat}"]
        case Echoed(message=message, name=name):
            return [f"{name or 'somebody'} says on our account: {fit.words(message)}"]
        case Noted(text=text):
            return [f"{event.author.name or 'an agent'} notes: {text}"]
        case Controlled(control=control, was=was, why=why):
            return [f"control: {was} → {control.state} ({why or 'no reason given'}), epoch {control.epoch}"]
        case Returned(how=how, by=by, step=step):
            return [f"{by} hands back: {how} {step}".rstrip()]
        case Rang(due_at=due_at):
            return [f"a timer rings, due at {due_at:%Y-%m-%d %H:%M:%S}"]
        case Signalled(name=name, value=value):
            return [f"signal {name}: {shown(value)}"]
        case Settled(status=status, reason=reason):
            return [f"status: {status}" + (f" ({reason})" if reason else "")]
        case Turned(responder=responder, declined=declined):
            return [*(f"{name} declined: {why}" for name, why in declined), f"{responder} takes the turn"]
        case Acting(action=action, args=args):
            return [f"runs {action}({', '.join(f'{name}={shown(value)}' for name, value in args.items())})"]
        case Acted(result=result, error=error):
            return [f"which failed: {error}" if error else f"which gave {shown(result)}"]
        case Discarded():
            return ["words that were ready are kept for the agent"]
        case Partial(text=text):
            return [f"was cut off after: {text}"]


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


def stack_lines(state: State) -> list[str]:
    """The topmost flow first."""
    return [_frame(frame) for frame in reversed(state.stack)]


def slot_lines(state: State) -> list[str]:
    """Of the topmost flow first, then of the conversation and of the customer."""
    return [
        f"{owner}.{name} = {shown(value)}"
        for owner, values in (
            *((frame.flow, {**frame.slots, **frame.results}) for frame in reversed(state.stack)),
            ("conversation", state.slots),
            ("customer", state.customer),
        )
        for name, value in values.items()
    ]


def timer_line(timer: Timer) -> str:
    return f"{timer.name} of step {timer.step}, due at {timer.due_at:%Y-%m-%d %H:%M:%S}"


def pending_line(state: State) -> str:
    """Empty: nothing is asked."""
    top = state.stack[-1] if state.stack else None
    return (
        f"{top.flow} asks {top.asking}" + (f", try {top.tries + 1}" if top.tries else "") if top and top.asking else ""
    )


def shown(value: Json) -> str:
    words = msgspec.json.encode(value).decode()
    return words if len(words) <= 120 else f"{words[:119]}…"


def differences(stored: State, folded: State) -> Iterator[str]:
    """Where two states are not the same, each with both."""
    ours, theirs = (msgspec.json.decode(msgspec.json.encode(state)) for state in (folded, stored))
    for name in sorted(ours.keys() | theirs.keys()):
        yield from _different(name, theirs.get(name), ours.get(name))


def _different(path: str, stored: Json, folded: Json) -> Iterator[str]:
    if stored == folded:
        return
    if isinstance(stored, Mapping) and isinstance(folded, Mapping):
        for name in sorted(stored.keys() | folded.keys()):
            yield from _different(f"{path}.{name}", stored.get(name), folded.get(name))
    elif isinstance(stored, list) and isinstance(folded, list) and len(stored) == len(folded):
        for at, (one, other) in enumerate(zip(stored, folded, strict=True)):
            yield from _different(f"{path}[{at}]", one, other)
    else:
        yield f"{path}: stored {shown(stored)}, folded {shown(folded)}"


def _frame(frame: Frame) -> str:
    about = f"{frame.flow} (frame {frame.id}) at {frame.step or 'its beginning'}"
    return f"{about}, called by frame {frame.caller}" if frame.caller else about


def _where(frame: int) -> str:
    match frame:
        case _ if frame == IN_CONVERSATION:
            return "conversation."
        case _ if frame == WITH_CUSTOMER:
            return "customer."
        case _:
            return ""
