"""What Slack sends, as far as it matters: the shapes alone. https://docs.slack.dev/reference/events"""

from __future__ import annotations

import msgspec
from msgspec import Raw, Struct


class Authorization(Struct, frozen=True):
    team_id: str | None = None
    enterprise_id: str | None = None
    user_id: str | None = None
    is_enterprise_install: bool | None = False


class Envelope(Struct, frozen=True):
    type: str
    event: Raw = Raw(b"{}")
    event_id: str = ""
    team_id: str = ""
    event_time: int = 0
    authorizations: list[Authorization] | None = None
    is_ext_shared_channel: bool | None = False
    minute_rate_limited: int = 0
    challenge: str = ""


class Told(Struct, frozen=True):
    type: str
    event_ts: str = ""


class Shared(Struct, frozen=True):
    id: str
    name: str | None = ""
    title: str | None = ""
    mimetype: str | None = ""
    size: int | None = 0
    subtype: str | None = ""
    alt_txt: str | None = ""


class Spoken(Struct, frozen=True):
    ts: str
    user: str | None = ""
    text: str | None = ""
    subtype: str | None = ""
    thread_ts: str | None = ""
    bot_id: str | None = None
    parent_user_id: str | None = None
    files: list[Shared] | None = None


class MessageEvent(Spoken, frozen=True):
    channel: str = msgspec.field(default="")
    channel_type: str | None = ""
    message: Spoken | None = None
    previous_message: Spoken | None = None
    deleted_ts: str | None = ""
    event_ts: str | None = ""
    user_team: str | None = ""
    source_team: str | None = ""
    team: str | None = ""


class Item(Struct, frozen=True):
    type: str
    channel: str = ""
    ts: str = ""


class Reaction(Struct, frozen=True):
    type: str
    user: str
    reaction: str
    item: Item
    event_ts: str


class Pane(Struct, frozen=True):
    user_id: str
    channel_id: str
    thread_ts: str


class Started(Struct, frozen=True):
    assistant_thread: Pane
    event_ts: str = ""


class Member(Struct, frozen=True):
    user: str = ""
    channel: str = ""
    event_ts: str = ""


class Home(Struct, frozen=True):
    user: str
    channel: str = ""
    tab: str = ""
    event_ts: str = ""


class Link(Struct, frozen=True):
    url: str


class LinkShared(Struct, frozen=True):
    user: str
    channel: str
    message_ts: str
    links: list[Link] = []


class Named(Struct, frozen=True):
    id: str
    name: str | None = ""
    username: str | None = ""
    team_id: str | None = ""


class Words(Struct, frozen=True):
    text: str


class Choice(Struct, frozen=True):
    value: str
    text: Words | None = None


class Picked(Struct, frozen=True):
    """What somebody chose, wrote or picked, by the kind of the element."""

    type: str = ""
    value: str | None = None
    selected_option: Choice | None = None
    selected_options: list[Choice] | None = None
    selected_date: str | None = None
    selected_time: str | None = None
    selected_date_time: int | None = None
    selected_user: str | None = None
    selected_users: list[str] | None = None
    selected_channel: str | None = None
    selected_channels: list[str] | None = None
    selected_conversation: str | None = None
    selected_conversations: list[str] | None = None
    files: list[Shared] | None = None


class Action(Picked, frozen=True):
    action_id: str = ""
    block_id: str = ""
    text: Words | None = None
    action_ts: str = ""


class Container(Struct, frozen=True):
    type: str = ""
    message_ts: str | None = ""
    thread_ts: str | None = ""
    channel_id: str | None = ""


class Filled(Struct, frozen=True):
    values: dict[str, dict[str, Picked]] = {}


class View(Struct, frozen=True):
    id: str
    callback_id: str = ""
    private_metadata: str = ""
    state: Filled | None = None


class Interaction(Struct, frozen=True):
    type: str
    user: Named
    team: Named | None = None
    enterprise: Named | None = None
    is_enterprise_install: bool | None = False
    trigger_id: str | None = ""
    response_url: str | None = ""
    actions: list[Action] | None = None
    container: Container | None = None
    channel: Named | None = None
    message: Spoken | None = None
    view: View | None = None
    callback_id: str = ""
    action_ts: str | None = ""
    value: str | None = ""
    """What somebody has typed, of `block_suggestion`."""
    block_id: str | None = ""


class Command(Struct, frozen=True):
    command: str
    user_id: str
    channel_id: str
    team_id: str = ""
    text: str = ""
    user_name: str = ""
    trigger_id: str = ""
    response_url: str = ""
    is_enterprise_install: str = "false"
    enterprise_id: str = ""


class Shape(Struct, frozen=True):
    """Enough to know what it is."""

    type: str = ""
    command: str = ""
    challenge: str | None = None
    event: Raw = Raw()


class Revoked(Struct, frozen=True):
    bot: list[str] | None = None


class Tokens(Struct, frozen=True):
    tokens: Revoked = Revoked()


SHAPE = msgspec.json.Decoder(Shape)
ENVELOPE = msgspec.json.Decoder(Envelope)
TOLD = msgspec.json.Decoder(Told)
MESSAGE = msgspec.json.Decoder(MessageEvent)
INTERACTION = msgspec.json.Decoder(Interaction)
