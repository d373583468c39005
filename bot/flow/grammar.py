"""The flow language as data: which mappings a project's files hold, which keys each may have, and what they mean.

The readers take their allowed keys from here; the schema for editors and the reference are made of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Literal

Kind = Literal[
    "text",  # plain characters
    "name",  # small letters, digits and `_`, beginning with a letter
    "wording",  # what customers or staff read: a text, `@key`, or a mapping of language to text
    "file",  # the path of a file in files/, or a mapping of language to such a path
    "content",  # a wording, or a mapping of the shape `content`
    "expression",  # a name, a plain value, or CEL
    "expressions",  # a mapping of name to expression
    "span",  # 250ms, 10s, 5m, 2h, 1d
    "instant",  # a date with time, or an expression that gives one
    "count",  # a whole number from `least` to `most`
    "number",
    "truth",
    "word",  # one of `allowed`
    "value",  # any plain value
    "slot",  # the name of a declared one, as the next six
    "flow",
    "action",
    "queue",
    "type",
    "language",
    "step",
    "texts",  # a list
    "wordings",  # a list of what customers read
    "names",  # a list of what `of` says: slot, action, document
    "sentences",  # a list of texts, or a mapping of language to such a list
    "steps",  # a list of steps
    "branch",  # steps, one step, or the id of a step
    "cases",  # a mapping of a value's spelling to a branch
    "answers",  # a list of values, or of `{label, value}`
    "choices",  # `answers`, or an expression that gives such a list
    "slots",  # a mapping of name to the shape `slot`
    "mapping",  # of name to `of`
    "shape",  # a mapping of the shape `of`
    "shapes",  # a list of mappings of the shape `of`
    "variants",  # a list of texts, or of mappings of the shape `variant`
]


@dataclass(frozen=True, slots=True)
class Key:
    name: str
    kind: Kind
    means: str
    """One line, without a full stop."""
    _: KW_ONLY
    required: bool = False
    allowed: tuple[str, ...] = ()
    least: int = 0
    most: int = 0
    of: str = ""
    """Of a list or mapping: what its members are."""
    otherwise: str = ""
    """What holds where the key is left out, as it would be written; empty: nothing, or not to be written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A mapping and the keys it may have."""

    name: str
    """As messages call it, without article."""
    means: str
    keys: tuple[Key, ...]
    example: str = ""
    """YAML that is right where the names in it are declared."""
    one_of: tuple[tuple[str, ...], ...] = ()
    """Of each of these groups exactly one key stands there."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple([key.name for key in self.keys])

    def key(self, name: str) -> Key:
        """Raises KeyError."""
        return {key.name: key for key in self.keys}[name]


_ID = Key("id", "name", "what `goto`, branches, tests and migrations call the step; made up where it is left out")
_WITH = Key("with", "expressions", "values by name: of the text, of the action's inputs, of the flow's slots")
_INTO = Key("into", "name", "the name under which what it gives is known afterwards")


def _verb(name: str, means: str, *keys: Key, example: str, one_of: tuple[tuple[str, ...], ...] = ()) -> Shape:
    return Shape(name=name, means=means, keys=(*keys, _ID), example=example, one_of=one_of)


# What steps are made of

VARIANT = Shape(
    name="variant",
    means="one way of saying the same",
    keys=(
        Key("text", "wording", "what is said", required=True),
        Key("channel", "text", "only there: the channel's name, as in `telegram`"),
        Key("if", "expression", "only when this holds"),
        Key("weight", "count", "how often, beside the others that apply", least=1, most=100, otherwise="1"),
    ),
    example="{text: You can send us a photo here., channel: telegram, weight: 2}",
)

OPTION = Shape(
    name="option",
    means="something to press outside of a question",
    keys=(
        Key("label", "wording", "what stands on it", required=True),
        Key("start", "flow", "the flow it begins"),
        Key("command", "text", "the command it gives, in its slash form"),
    ),
    example="{label: Track my order, start: track_order}",
    one_of=(("start", "command"),),
)

ANSWER = Shape(
    name="answer",
    means="a value to choose, and what customers read in its place",
    keys=(
        Key("label", "wording", "what customers read; left out: the text `SLOT_VALUE`"),
        Key("value", "value", "what the slot then holds", required=True),
    ),
    example="{label: It arrived broken, value: damaged}",
)

CARD = Shape(
    name="card",
    means="a small page in the conversation",
    keys=(
        Key("title", "wording", "its heading", required=True),
        Key("body", "wording", "its text"),
        Key("meta", "wording", "a small line below, such as a price"),
        Key("image", "wording", "where its picture lies: https"),
        Key("options", "shapes", "what can be pressed on it", of="option"),
    ),
    example="{title: Order A-17, body: Two tents, meta: 240 EUR}",
)

IMAGE = Shape(
    name="image",
    means="a picture",
    keys=(
        Key("file", "file", "a PNG, JPEG, GIF or WebP of the project's own, up to 5 MB, as `files/map.png`"),
        Key("address", "wording", "where it lies, when it is not the project's own: https"),
        Key("alt", "wording", "what it shows, for those who do not see it", required=True),
    ),
    example="{file: files/map.png, alt: The way to our shop}",
    one_of=(("file", "address"),),
)

TABLE = Shape(
    name="table",
    means="lines and columns",
    keys=(
        Key("title", "wording", "what stands above it"),
        Key("columns", "wordings", "the heads of its columns", required=True),
        Key("rows", "expression", "a list of its lines, each a list of values", required=True),
    ),
    example="{columns: [Order, State], rows: orders}",
)

CONTENT = Shape(
    name="content",
    means="what is said, where it is more than a text",
    keys=(
        Key("text", "wording", "the words"),
        Key("choices", "shapes", "options shown as buttons", of="option"),
        Key("quick", "shapes", "options shown as quick replies", of="option"),
        Key("list", "shapes", "options shown below one another", of="option"),
        Key("options", "expression", "a list of `{label, command}` that is known only then"),
        Key("card", "shape", "a card", of="card"),
        Key("carousel", "shapes", "cards to leaf through", of="card"),
        Key("cards", "expression", "such cards, known only then: a list of `{title, body, meta, image, options}`"),
        Key("table", "shape", "lines and columns", of="table"),
        Key("image", "shape", "a picture", of="image"),
        Key("file", "file", "a file of the project's own to keep, up to 10 MB, as `files/return_form.pdf`"),
        Key(
            "form",
            "names",
            "slots to fill: a form where the channel has forms, else asked one by one",
            of="slot",
        ),
    ),
    example="{text: What now?, choices: [{label: Track my order, start: track_order}]}",
)

CHECK = Shape(
    name="check",
    means="when an answer is not taken, and why",
    keys=(
        Key("if", "expression", "holds when the answer is not taken", required=True),
        Key("say", "content", "why, in words for the customer", required=True),
    ),
    example="{if: amount > 500, say: I can do at most 500.}",
)

QUIET = Shape(
    name="quiet",
    means="what happens when the customer says nothing to a question; else the pattern `silent` is played",
    keys=(
        Key("after", "span", "since the question, or since the customer was last heard", required=True),
        Key("say", "content", "something to say; the question stays open"),
        Key("cancel", "truth", "true: the flow ends as cancelled"),
        Key("handoff", "queue", "a person is asked for"),
    ),
    example="{after: 10m, say: Are you still there?}",
)

WAIT = Shape(
    name="wait",
    means="what a pause ends with: whichever comes first",
    keys=(
        Key("for", "span", "so long since the pause began"),
        Key("until", "instant", "that moment; at once when it is past"),
        Key("event", "name", "a signal from outside, by its name; one that came on the way here counts"),
    ),
    example="{event: parcel_arrived, for: 3d}",
)

APPROVE = Shape(
    name="approve",
    means="when a person must agree before the action runs",
    keys=(
        Key("if", "expression", "only when this holds", otherwise="true"),
        Key("by", "queue", "who is asked", otherwise="the assistant's first queue"),
        Key(
            "within", "span", "how long that may take; then it counts as not approved", otherwise="as long as it takes"
        ),
    ),
    example="{if: amount > 200, by: returns, within: 1d}",
)

# Steps

VERBS: Mapping[str, Shape] = {
    shape.name: shape
    for shape in (
        _verb(
            "say",
            "send a message",
            Key("say", "content", "what is said; beside `variants` one of the ways", required=True),
            _WITH,
            Key(
                "mode",
                "word",
                "word for word; restyled by the model without adding facts; or as guidance for its own words",
                allowed=("exact", "rephrase", "free"),
                otherwise="exact",
            ),
            Key("variants", "variants", "other ways of saying it, one of which is chosen for each time"),
            example="""\
say: "Your parcel is with {{ carrier }}."
with: {carrier: window.carrier}
variants: ["{{ carrier }} has your parcel."]""",
        ),
        _verb(
            "ask",
            "fill a slot by asking the customer",
            Key("ask", "slot", "the slot", required=True),
            Key("say", "content", "the question", otherwise="@ask_SLOT"),
            _WITH,
            Key("check", "shapes", "answers that are not taken", of="check"),
            Key("always_ask", "truth", "ask even where the value is known already", otherwise="false"),
            Key("tries", "count", "so many answers that are none, then `stuck`", least=1, most=20, otherwise="3"),
            Key("stuck", "branch", "what then", otherwise="a person is asked for, and the flow ends as `stuck`"),
            Key("quiet", "shapes", "what happens when nothing is said", of="quiet"),
            Key(
                "interrupt",
                "word",
                "another request meanwhile: begins now; waits until this flow has ended; or is not taken",
                allowed=("allow", "queue", "refuse"),
                otherwise="allow",
            ),
            Key("options", "choices", "the answers to choose from", otherwise="the slot's own"),
            Key("default", "expression", "the value when the question is skipped"),
            Key("then", "branch", "where it goes on from an answer", otherwise="the next step"),
            example="""\
ask: reason
say: Why would you like to return it?
tries: 2
stuck: {handoff: returns}
quiet: [{after: 10m, say: "Are you still there?"}, {after: 1d, cancel: true}]
interrupt: queue""",
        ),
        _verb(
            "do",
            "run an action",
            Key("do", "action", "the action", required=True),
            _WITH,
            _INTO,
            Key("approve", "shape", "a person must agree first", of="approve"),
            Key(
                "retry",
                "count",
                "so many more times when it fails; only for what reads",
                least=0,
                most=5,
                otherwise="0",
            ),
            Key("timeout", "span", "how long it may take", otherwise="what the action declares"),
            Key(
                "fails",
                "branch",
                "what when it fails or is not approved",
                otherwise="a person is asked for, and the flow ends as `failed`; not approved: as `refused`",
            ),
            example="""\
do: open_return
with: {order: order}
into: return_no
approve: {if: window.value > 200, by: returns}
fails: {handoff: returns}""",
        ),
        _verb(
            "set",
            "give slots values; null empties one",
            Key("set", "expressions", "value by slot", required=True, of="slot"),
            example="set: {plan: '\"refund\"'}",
        ),
        _verb(
            "when",
            "go different ways",
            Key("when", "expression", "the condition, or the value that `switch` looks at", required=True),
            Key("then", "branch", "where it holds"),
            Key("else", "branch", "where it does not, or no case fits", otherwise="the next step"),
            Key("switch", "cases", "the way for each value"),
            example="""\
when: reason
switch:
  damaged: [{ask: photo}]
  changed_mind: [{say: No problem.}]""",
            one_of=(("then", "switch"),),
        ),
        _verb(
            "goto",
            "go on at another step of this flow",
            Key("goto", "step", "its id", required=True),
            example="goto: ask_order",
        ),
        _verb(
            "call",
            "run another flow and come back",
            Key("call", "flow", "the flow", required=True),
            _WITH,
            _INTO,
            example="""\
call: verify
with: {order: order}
into: verified""",
        ),
        _verb(
            "become",
            "go over into another flow for good",
            Key("become", "flow", "the flow", required=True),
            _WITH,
            example="""\
become: complaint
with: {order: order}""",
        ),
        _verb(
            "agent",
            "let the model lead a bounded stretch of the conversation",
            Key("agent", "text", "what it is to reach, as one would tell a colleague", required=True),
            Key("tools", "names", "actions it may call, all of effect `read`", of="action"),
            Key("knows", "names", "documents it may quote; left out: all of them", of="document"),
            Key("fills", "names", "slots it fills; the step ends when all have values", of="slot"),
            Key("until", "expression", "ends the step as soon as it holds"),
            Key("turns", "count", "so many answers, then `stuck`", least=1, most=50, otherwise="10"),
            Key("stuck", "branch", "what then", otherwise="a person is asked for, and the flow ends as `stuck`"),
            example="""\
agent: Agree on refund, exchange or voucher, within the return policy.
tools: [price_of]
knows: [return_policy]
fills: [plan]
turns: 6
stuck: {handoff: returns}""",
        ),
        _verb(
            "handoff",
            "ask for a person",
            Key("handoff", "queue", "the queue", required=True),
            Key("note", "wording", "what the person reads, in the assistant's own language"),
            Key(
                "priority",
                "count",
                "higher is served first; then who has waited longest",
                least=0,
                most=9,
                otherwise="0",
            ),
            Key("nobody", "branch", "what instead, outside of business hours"),
            Key(
                "after",
                "word",
                "when the person hands back: the next step, the last question again, or the end of the flow",
                allowed=("continue", "ask", "end"),
                otherwise="continue; ask where the customer was stuck",
            ),
            example="""\
handoff: returns
note: "Wants to return {{ order }}."
nobody: [{say: "@closed_now"}]
after: end""",
        ),
        _verb(
            "wait",
            "pause, for as long as it takes",
            Key("wait", "shape", "what ends the pause; a span alone is the same as `for`", required=True, of="wait"),
            Key("into", "name", "what the event brought; null when the time was up first"),
            example="""\
wait: {event: parcel_arrived, for: 3d}
into: parcel""",
        ),
        _verb(
            "end",
            "close the flow",
            Key("end", "name", "the outcome, which analytics and tests count", required=True),
            example="end: refused",
        ),
    )
}
"""In the order of the language's description. A mapping whose key is a verb is that step; see `verb_of`."""


def verb_of(keys: Mapping[str, object]) -> str:
    """The verb that a step's keys name; empty: none. `say` beside `ask` is a part of it, as `end` never is."""
    named = [verb for verb in VERBS if verb in keys]
    return next((verb for verb in named if not any(verb in VERBS[o].names for o in named if o != verb)), "")


# Flows

SLOT = Shape(
    name="slot",
    means="a typed fact that a flow works with",
    keys=(
        Key("type", "type", "the kind of value", required=True),
        Key("of", "answers", "the answers of a choice or multi_choice"),
        Key("currency", "text", "of a money: what is meant where none is said, such as EUR", otherwise="the region's"),
        Key("region", "text", "of money, phone, dates and times: a country, such as GB", otherwise="the language's"),
        Key("scale", "count", "of a rating: the best grade", least=2, most=10, otherwise="5"),
        Key("optional", "truth", "the question may be skipped", otherwise="false"),
        Key("pii", "truth", "personal: masked in logs, traces and in what the model sees", otherwise="false"),
        Key("always_ask", "truth", "taken only while it is asked for", otherwise="false"),
        Key(
            "scope",
            "word",
            "how long it is known: until the next message, the flow, the conversation; or for good, of the customer",
            allowed=("turn", "flow", "conversation", "customer"),
            otherwise="flow",
        ),
    ),
    example="{type: choice, of: [damaged, wrong_size], optional: true}",
)

_HEAD = (
    Key("version", "count", "raised whenever the steps change", least=1, most=1_000_000, otherwise="1"),
    Key("slots", "slots", "what it works with"),
    Key("steps", "steps", "what it does, in order", required=True),
)

FLOW = Shape(
    name="flow",
    means="a named script",
    keys=(
        Key("flow", "name", "its name", required=True),
        _HEAD[0],
        Key("title", "wording", "what customers see it called", otherwise="the text `flow_NAME`"),
        Key("about", "text", "what it is for: the model and people choose by it"),
        Key("examples", "sentences", "what customers say who want it"),
        Key("when", "expression", "a guard: for whom and when it is there; over customer, channel, now, hours"),
        Key("needs", "flow", "the flow that can make the guard true"),
        Key("migrate", "mapping", "where those stand now who stood at a step that is gone: old id to new", of="step"),
        *_HEAD[1:],
    ),
    example="""\
flow: return_item
about: The customer wants to send something back.
examples: [I want to return my shoes]
slots:
  order: {type: text}
steps:
  - ask: order
    say: Which order is it?
  - say: "I have noted the return of {{ order }}."
""",
)

PATTERN = Shape(
    name="pattern",
    means="a flow that the engine starts by itself",
    keys=(Key("pattern", "name", "its name: the one it replaces", required=True), *_HEAD),
    example="""\
pattern: cancel
steps:
  - say: All right, we leave it.
""",
)

# The assistant

NEEDS = Shape(
    name="needs",
    means="what the project may only do where a desk grants it",
    keys=(
        Key("scopes", "texts", "those of its actions; frontdesk.yaml grants them"),
        Key("settings", "texts", "environment variables that its actions read"),
    ),
    example="{scopes: [payments], settings: [SHOP_URL]}",
)

ASSISTANT = Shape(
    name="assistant",
    means="who speaks, and for whom: the file assistant.yaml",
    keys=(
        Key("assistant", "text", "its name", required=True),
        Key("brand", "text", "the business it speaks for"),
        Key("languages", "texts", "as in `en` or `fr-CA`; the first is the project's own", otherwise="[en]"),
        Key("instructions", "text", "tone and limits, for the model"),
        Key("greeting", "wording", "what opens a conversation", otherwise="@greeting"),
        Key("starters", "shapes", "what the greeting offers", of="option"),
        Key("queues", "texts", "where people are found; the first is asked when nobody says which"),
        Key(
            "timezone",
            "text",
            "of the hours, and of what is today where no channel tells the customer's own, as in `Europe/Paris`",
            otherwise="UTC",
        ),
        Key(
            "hours",
            "mapping",
            "day, as in `mon` or `mon-fri`, to when people are there, as in 09:00-12:30 or a list",
            of="text",
        ),
        Key("holidays", "mapping", "date to `closed`, or to the hours of that day", of="text"),
        Key("needs", "shape", "what a desk must grant before the project runs there", of="needs"),
        Key(
            "broken",
            "word",
            "a flow that can go on in no way after it was changed: it ends, begins again, or a person takes over",
            allowed=("error", "restart", "handoff"),
            otherwise="error",
        ),
    ),
    example="""\
assistant: Robin
brand: Tarnfell Outdoor
languages: [en, fr]
queues: [service, returns]
timezone: Europe/Paris
hours: {mon-fri: ["09:00-12:30", "13:30-18:00"], sat: "10:00-14:00"}
holidays: {2026-12-25: closed}
""",
)

# Conversation tests

GIVEN = Shape(
    name="given",
    means="how things stand when a test begins",
    keys=(
        Key("now", "text", "the time, with its zone"),
        Key("language", "language", "what the platform says of the customer's language"),
        Key("channel", "text", "where the conversation is held", otherwise="web"),
        Key("customer", "mapping", "what conditions know of the customer", of="value"),
        Key(
            "actions",
            "mapping",
            "what each action gives instead of running: a value, `{error: words}`, or a list of these, call by call",
            of="value",
        ),
        Key("model", "value", "what the model answers when it is asked: as beside `customer`"),
        Key("flow", "flow", "the flow it begins in"),
        Key("step", "step", "the step of that flow; left out: it begins as any flow does"),
        Key("slots", "mapping", "the slots known by then", of="value"),
        Key("results", "mapping", "with `step`: what actions gave by then", of="value"),
    ),
    example="{actions: {find_return_window: {days_left: 9}}, now: 2026-03-02T10:00Z}",
)

EXPECT = Shape(
    name="expect",
    means="what must have happened since the last `expect`",
    keys=(
        Key("said", "value", "a message, a part of one, or `@key`; or a list of them, in that order"),
        Key("not_said", "value", "what was not said, alike"),
        Key("nothing_said", "truth", "true: the bot has said nothing"),
        Key("options", "value", "a label that was shown, or the list of all that were shown last"),
        Key("cited", "value", "the document that was quoted, or a list"),
        Key("language", "language", "what is spoken"),
        Key("ask", "value", "the slot of the pending question; null: none"),
        Key("flow", "value", "the flow in progress; null: none"),
        Key("did", "value", "the action that ran, a list of them, or a mapping of each to its inputs; null: none"),
        Key("slots", "mapping", "values of slots; null: not known", of="value"),
        Key("command", "value", "a command that was applied, in its slash form, or its word; or a list"),
        Key("refused", "value", "a command that was refused, a part of the reason, or true"),
        Key("outcome", "value", "how a flow ended, or `{flow: outcome}`; null: none did"),
        Key("control", "word", "who may speak", allowed=("bot", "queued", "offered", "human", "wrap_up", "paused")),
        Key("handoff", "value", "the queue, or some of `{queue, reason, note}`, of the person asked for; null: nobody"),
    ),
    example="{did: find_return_window, ask: reason}",
)

TALK = Shape(
    name="line",
    means="one thing that happens in a conversation test",
    keys=(
        Key(
            "customer",
            "value",
            "what the customer writes, or several messages at once; or `{press: label}`, `{open: link}`",
        ),
        Key("language", "language", "beside `customer`: what the platform says of it"),
        Key(
            "model",
            "value",
            "beside `customer`: words, /commands, `{cite: document}`, `{error: words}`, or a list of these",
        ),
        Key(
            "agent",
            "value",
            "`takes_over`, `hands_back`, `approves`, `refuses`, `resolves`, or `{says: words}`, `{notes: words}`, "
            "`{hands_back: resume, instruction: words}`, `{hands_back: step, step: id}`",
        ),
        Key("name", "text", "beside `agent`: who it is", otherwise="Mia"),
        Key("event", "name", "a signal from outside"),
        Key("value", "value", "beside `event`: what it tells"),
        Key("advance", "span", "time that passes"),
        Key("restart", "truth", "the process is killed, and another goes on"),
        Key("expect", "shape", "what must have happened", of="expect"),
    ),
    example="{customer: I want to return something}",
    one_of=(("customer", "agent", "event", "advance", "restart", "expect"),),
)

TEST = Shape(
    name="test",
    means="a conversation, and what must come of it",
    keys=(
        Key("test", "text", "the promise it holds", required=True),
        Key("given", "shape", "how things stand when it begins", of="given"),
        Key("talk", "shapes", "what happens, in order", required=True, of="line"),
    ),
    example="""\
test: a return is opened
given: {now: 2026-03-02T10:00Z}
talk:
  - customer: I want to return something
  - expect: {ask: order}
""",
)

SHAPES: Mapping[str, Shape] = {
    shape.name: shape
    for shape in (
        *(VARIANT, OPTION, ANSWER, CARD, IMAGE, TABLE, CONTENT, CHECK, QUIET, WAIT, APPROVE),
        *(SLOT, FLOW, PATTERN, NEEDS, ASSISTANT, GIVEN, EXPECT, TALK, TEST),
    )
}
"""All that are no steps, by name."""
