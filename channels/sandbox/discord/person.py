"""What a person at the other end can do: write, press, choose, fill a modal, use a command, edit, react, block."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from channels.sandbox.discord import forms
from channels.sandbox.discord.gateway import (
    DIRECT_REACTIONS,
    GUILD_MEMBERS,
    GUILD_MESSAGES,
    GUILD_REACTIONS,
    GUILDS,
    Gateway,
)
from channels.sandbox.discord.interactions import (
    COMMAND,
    COMPONENT,
    MODAL,
    Interaction,
    Interactions,
    announce,
    withdraw,
)
from channels.sandbox.discord.rest import Rest
from channels.sandbox.discord.world import DM, FORUM, TEXT, THREADS, Line, Person, Place, Wire, World
from channels.sandbox.journal import Journal
from channels.sandbox.server import BadAct

KINDS = {"channel": TEXT, "group": TEXT, "forum": FORUM, "private": DM, "thread": 11, "topic": 11}
VOICE_FLAG = 1 << 13


class PersonsSide:
    def __init__(
        self, world: World, gateway: Gateway, interactions: Interactions, rest: Rest, journal: Journal
    ) -> None:
        self._world, self._gateway, self._interactions, self._rest = world, gateway, interactions, rest
        self._journal = journal
        self.modal: Interaction | None = None
        """The one that is open, by the interaction that opened it."""
        self.wrong: dict[str, str] = {}
        """What the app says about its fields."""
        self.toast = ""
        interactions.failed = self._failed
        interactions.opened = self._opened

    def act(self, what: str, body: Mapping[str, Any]) -> Wire:
        try:
            do = getattr(self, f"_{what}") if what in _ACTS else None
            if do is None:
                raise BadAct(f"there is no act {what!r} on Discord; there are {', '.join(sorted(_ACTS))}")
            self.toast = ""
            made: Wire = do(body)
        except (KeyError, ValueError, TypeError) as error:
            raise BadAct(f"{what}: {error!r} is missing or wrong") from error
        shown = {name: value for name, value in body.items() if not isinstance(value, tuple)}
        self._journal.add("person", what, shown | made)
        return made

    # Messages

    def _say(self, body: Mapping[str, Any]) -> Wire:
        place, by = self._place(body), self._by(body)
        if place.kind == FORUM:
            raise BadAct("a forum holds posts: `chat` with kind `topic` and this parent makes one")
        line = self._line(place, by, str(body.get("text", "")))
        if answered := int(body.get("reply_to") or 0):
            line.reply_to, line.kind = answered, 19
        if forwarded := int(body.get("forward") or 0):
            line.forwarded = self._found(forwarded)
        if sticker := body.get("sticker"):
            line.stickers = [{"id": str(self._world.snowflake()), "name": str(sticker), "format_type": 1}]
        return self._said(line)

    def _upload(self, body: Mapping[str, Any]) -> Wire:
        name, kind, content = body["file"]
        line = self._line(self._place(body), self._by(body), str(body.get("caption", "")))
        voice = body.get("kind") == "voice"
        file = self._world.file("voice-message.ogg" if voice else name, "audio/ogg" if voice else kind, content)
        file.about = str(body.get("alt", ""))
        if voice:
            file.seconds, line.flags = 1.5, VOICE_FLAG
        line.files.append(file)
        return self._said(line)

    def _line(self, place: Place, by: Person, text: str) -> Line:
        if len(text) > forms.LONGEST_MESSAGE:
            raise BadAct(f"a message may have {forms.LONGEST_MESSAGE} characters")
        if place.archived and not place.locked:
            place.archived = False
            self._gateway.tell("THREAD_UPDATE", self._world.channel(place), intent=GUILDS, guild=self._world.guild)
        if place.kind in THREADS and by.id not in place.people:
            place.people.append(by.id)
        return self._world.line(place, by, text)

    def _said(self, line: Line) -> Wire:
        self._world.ping(line, None)
        announce(self._world, self._gateway, line, "MESSAGE_CREATE")
        return {"message": str(line.id)}

    def _edit(self, body: Mapping[str, Any]) -> Wire:
        line = self._mine(body)
        line.text, line.edited_at = str(body["text"]), self._world.clock.now()
        self._world.ping(line, None)
        announce(self._world, self._gateway, line, "MESSAGE_UPDATE")
        return {"message": str(line.id)}

    def _delete(self, body: Mapping[str, Any]) -> Wire:
        """`messages`: several at once, as a moderator does."""
        if "messages" in body:
            return self._sweep([self._found(int(one)) for one in body["messages"]])
        line = self._mine(body)
        line.deleted = True
        withdraw(self._world, self._gateway, line)
        return {"message": str(line.id)}

    def _sweep(self, lines: Sequence[Line]) -> Wire:
        for line in lines:
            line.deleted = True
        told = {"ids": [str(line.id) for line in lines], "channel_id": str(lines[0].place)}
        told |= {"guild_id": str(self._world.guild)}
        self._gateway.tell("MESSAGE_DELETE_BULK", told, intent=GUILD_MESSAGES, guild=self._world.guild)
        return {"messages": told["ids"]}

    def _react(self, body: Mapping[str, Any]) -> Wire:
        line, by, emoji = self._found(int(body["message"])), self._by(body), str(body["emoji"])
        place, added = self._world.places[line.place], bool(body.get("add", True))
        who = line.reactions.setdefault(emoji, set())
        (who.add if added else who.discard)(by.id)
        if not who:
            del line.reactions[emoji]
        told: Wire = {"user_id": str(by.id), "channel_id": str(place.id), "message_id": str(line.id), "type": 0}
        told |= {"emoji": {"id": None, "name": emoji}, "burst": False}
        direct = place.kind == DM
        if not direct:
            told["guild_id"] = str(self._world.guild)
            told |= {"member": self._world.member(by) | {"user": self._world.user(by)}} if added else {}
        event = "MESSAGE_REACTION_ADD" if added else "MESSAGE_REACTION_REMOVE"
        intent = DIRECT_REACTIONS if direct else GUILD_REACTIONS
        self._gateway.tell(event, told, intent=intent, guild=0 if direct else self._world.guild)
        return {"message": str(line.id)}

    # Interactions

    def _press(self, body: Mapping[str, Any]) -> Wire:
        return self._use(body, lambda one: one["type"] == 2 and one.get("custom_id") == body["id"], {})

    def _choose(self, body: Mapping[str, Any]) -> Wire:
        values = [str(value) for value in body["values"]]
        return self._use(
            body, lambda one: one["type"] in forms.SELECTS and one["custom_id"] == body["id"], {"values": values}
        )

    def _use(self, body: Mapping[str, Any], is_it: Any, more: Wire) -> Wire:
        line, by = self._found(int(body["message"])), self._by(body)
        found = next((one for one in flat(line.components) if is_it(one)), None)
        if found is None or found.get("disabled"):
            raise BadAct(f"message {line.id} shows no such component, or it is disabled")
        if line.only_for and line.only_for != by.id:
            raise BadAct("that message is shown to somebody else alone")
        place = self._world.places[line.place]
        if "values" in more:
            self._check_chosen(found, more["values"])
            told = self._world.resolved(more["values"], place) if found["type"] != forms.SELECT else {}
            more |= {"resolved": told} if told else {}
        data = {"custom_id": found["custom_id"], "component_type": found["type"], "id": found.get("id", 1)} | more
        made = self._interactions.begin(COMPONENT, by, place, data, line)
        return {"interaction": str(made.id)}

    def _check_chosen(self, select: Wire, values: Sequence[str]) -> None:
        least = 1 if select.get("min_values") is None else select["min_values"]
        most = select.get("max_values") or 1
        offered = self._offered(select)
        if not least <= len(values) <= most or not offered.issuperset(values):
            raise BadAct(f"choose {least} to {most} of {', '.join(sorted(offered))}")

    def _offered(self, select: Wire) -> set[str]:
        if select["type"] in (5, 6, 7, 8):
            return {str(id) for id, _ in self._world.offered(select["type"])}
        return {option["value"] for option in select.get("options") or ()}

    def _submit(self, body: Mapping[str, Any]) -> Wire:
        """Values by field; beside them, in a form, a file as `file.FIELD`."""
        opened = self._modal(body)
        assert opened.modal is not None
        given = body["values"]
        values: dict[str, Any] = dict(json.loads(given) if isinstance(given, str) else given)
        values |= {name.removeprefix("file."): file for name, file in body.items() if isinstance(file, tuple)}
        self.wrong = wrong_in(opened.modal, values, self._offered)
        if self.wrong:
            return {"errors": dict(self.wrong)}
        values = {name: self._put(value) if isinstance(value, tuple) else value for name, value in values.items()}
        components = filled(opened.modal["components"], values)
        data = {"custom_id": opened.modal["custom_id"], "components": components}
        ids = [one for field in flat(components) if field["type"] in _RESOLVED for one in field["values"]]
        if told := self._world.resolved(ids, opened.place):
            data["resolved"] = told
        self.modal = None
        made = self._interactions.begin(MODAL, opened.by, opened.place, data, opened.message)
        return {"interaction": str(made.id)}

    def _put(self, given: tuple[str, str, bytes]) -> str:
        """A file into a window; gives its id."""
        file = self._world.file(*given)
        self._world.given.append(file)
        return str(file.id)

    def _close(self, body: Mapping[str, Any]) -> Wire:
        closed = self._modal(body)
        self.modal = None
        return {"closed": str(closed.id)}

    def _modal(self, body: Mapping[str, Any]) -> Interaction:
        if self.modal is None or str(self.modal.id) != str(body.get("id", self.modal.id)):
            raise BadAct("no such modal is open")
        return self.modal

    def _command(self, body: Mapping[str, Any]) -> Wire:
        """`name`, or `group sub`; `options` by name, or `text` for the first option."""
        place, by, (name, *path) = self._place(body), self._by(body), str(body["name"]).lstrip("/").split()
        known = next((one for one in self.commands(place) if one["name"] == name), None)
        if known is None:
            raise BadAct(f"there is no command /{name} here")
        level, outer = known.get("options") or [], list[Wire]()
        for part in path:
            met = next((one for one in level if one["name"] == part and one["type"] in (1, 2)), None)
            if met is None:
                raise BadAct(f"/{name} has no {part!r}")
            outer.append({"name": part, "type": met["type"]})
            level = met.get("options") or []
        given = dict(body.get("options") or {})
        if (words := body.get("text")) and level:
            given.setdefault(level[0]["name"], words)
        options = [
            {"name": one["name"], "type": one["type"], "value": given[one["name"]]}
            for one in level
            if one["name"] in given
        ]
        for wrapper in reversed(outer):
            options = [wrapper | {"options": options}]
        data: Wire = {"id": known["id"], "name": name, "type": 1}
        made = self._interactions.begin(COMMAND, by, place, data | ({"options": options} if options else {}))
        return {"interaction": str(made.id)}

    def commands(self, place: Place) -> Sequence[Wire]:
        everywhere = self._rest.commands[0]
        return [*everywhere, *(self._rest.commands.get(self._world.guild, []) if place.kind != DM else [])]

    def _opened(self, interaction: Interaction) -> None:
        self.modal, self.wrong = interaction, {}

    def _failed(self, interaction: Interaction) -> None:
        self.toast = "The application did not respond" if interaction.kind == COMMAND else "This interaction failed"
        self._journal.touch()

    # Places and people

    def _open(self, body: Mapping[str, Any]) -> Wire:
        return {"chat": str(self._world.direct(self._by(body)).id)}

    def _chat(self, body: Mapping[str, Any]) -> Wire:
        kind, by = KINDS[str(body.get("kind", "channel"))], self._by(body)
        title = str(body.get("title") or "new")
        if kind == DM:
            return {"chat": str(self._world.direct(by).id)}
        if kind in THREADS:
            return self._thread(body, title, by)
        place = self._world.place(kind, title, hidden=bool(body.get("hidden")))
        if not place.hidden:
            self._gateway.tell("CHANNEL_CREATE", self._world.channel(place), intent=GUILDS, guild=self._world.guild)
        return {"chat": str(place.id)}

    def _thread(self, body: Mapping[str, Any], title: str, by: Person) -> Wire:
        parent, begun = self._world.places[int(body["parent"])], int(body.get("message") or 0)
        thread = self._world.thread(parent, title, by, id=begun)
        told = self._world.channel(thread) | {"newly_created": True}
        self._gateway.tell("THREAD_CREATE", told, intent=GUILDS, guild=self._world.guild)
        made: Wire = {"chat": str(thread.id)}
        if words := body.get("text"):
            line = self._world.line(thread, by, str(words))
            if parent.kind == FORUM:  # the post's first message has the post's id
                del thread.lines[line.id]
                line.id = thread.id
                thread.lines[line.id] = line
            made |= self._said(line)
        return made

    def _member(self, body: Mapping[str, Any]) -> Wire:
        by, what = self._by(body), body["what"]
        place = self._world.places.get(int(body.get("chat") or 0))
        match what:
            case "block" | "unblock":
                by.blocks = what == "block"
            case "join" | "leave":
                by.member = what == "join"
                event = "GUILD_MEMBER_ADD" if by.member else "GUILD_MEMBER_REMOVE"
                told = {"guild_id": str(self._world.guild), "user": self._world.user(by)}
                told |= self._world.member(by) if by.member else {}
                self._gateway.tell(event, told, intent=GUILD_MEMBERS, guild=self._world.guild)
            case "archive" | "lock" if place is not None and place.kind in THREADS:
                place.archived, place.locked = True, place.locked or what == "lock"
                self._gateway.tell("THREAD_UPDATE", self._world.channel(place), intent=GUILDS, guild=self._world.guild)
            case "remove" if place is not None:
                del self._world.places[place.id]
                event = "THREAD_DELETE" if place.kind in THREADS else "CHANNEL_DELETE"
                self._gateway.tell(event, self._world.channel(place), intent=GUILDS, guild=self._world.guild)
            case _:
                raise BadAct("`what` is block, unblock, join, leave; with `chat`: archive, lock, remove")
        return {"person": str(by.id)}

    def _person(self, body: Mapping[str, Any]) -> Wire:
        made = self._world.person(str(body["name"]), is_bot=bool(body.get("bot")))
        if role := body.get("role"):
            known = next((id for id, name in self._world.roles.items() if name == role), None)
            made.roles.add(known if known is not None else self._world.role(str(role)))
        return {"person": str(made.id)}

    def _types(self, body: Mapping[str, Any]) -> Wire:
        self._world.types(self._place(body), self._by(body))
        return {}

    def _by(self, body: Mapping[str, Any]) -> Person:
        return self._world.people[int(body.get("by") or self._world.owner.id)]

    def _place(self, body: Mapping[str, Any]) -> Place:
        return self._world.places[int(body.get("thread") or body["chat"])]

    def _found(self, id: int) -> Line:
        for place in self._world.places.values():
            if id in place.lines and not place.lines[id].deleted:
                return place.lines[id]
        raise BadAct(f"there is no message {id}")

    def _mine(self, body: Mapping[str, Any]) -> Line:
        line = self._found(int(body["message"]))
        if line.by.is_bot:
            raise BadAct("only messages of people can be changed from this side")
        return line


_ACTS = frozenset(
    (
        *("say", "upload", "edit", "delete", "react", "types"),
        *("press", "choose", "submit", "close", "command"),
        *("open", "chat", "member", "person"),
    )
)


def flat(components: Sequence[Wire]) -> list[Wire]:
    """Every component, however deep."""
    found: list[Wire] = []
    for one in components:
        found.append(one)
        found += flat(one.get("components") or [])
        found += flat([one[name] for name in ("accessory", "component") if isinstance(one.get(name), dict)])
    return found


_RESOLVED = (*forms.SELECTS[1:], forms.UPLOAD)
_OFFERING = (*forms.SELECTS, forms.RADIOS, forms.CHECKBOXES)


def wrong_in(modal: Wire, values: Mapping[str, Any], offered: Callable[[Wire], set[str]]) -> dict[str, str]:
    """What the app itself refuses to send, by field."""
    wrong: dict[str, str] = {}
    for field in flat(modal["components"]):
        if "custom_id" not in field:
            continue
        name, value = field["custom_id"], values.get(field["custom_id"])
        required = field.get("required", True) and field["type"] != forms.CHECKBOX
        if required and value in (None, "", []):
            wrong[name] = "This field is required."
        elif field["type"] == forms.INPUT and value:
            least, most = field.get("min_length") or 0, field.get("max_length") or 4000
            if not least <= len(str(value)) <= most:
                wrong[name] = f"Must be between {least} and {most} in length."
        elif field["type"] in _OFFERING and value and not offered(field).issuperset(listed(value)):
            wrong[name] = "Choose from the list."
    return wrong


def listed(value: Any) -> list[str]:
    return [str(one) for one in ([value] if isinstance(value, str) else value or [])]


def filled(components: Sequence[Wire], values: Mapping[str, Any]) -> list[Wire]:
    """As a submitted modal has them."""
    made: list[Wire] = []
    for one in components:
        told: Wire = {"type": one["type"], "id": one.get("id", len(made) + 1)}
        if one["type"] == forms.ROW:
            told["components"] = filled(one["components"], values)
        elif one["type"] == forms.LABEL:
            told["component"] = filled([one["component"]], values)[0]
        elif "custom_id" in one:
            value = values.get(one["custom_id"])
            told["custom_id"] = one["custom_id"]
            if one["type"] in (forms.INPUT, forms.RADIOS):
                told["value"] = str(value) if value is not None else ("" if one["type"] == forms.INPUT else None)
            elif one["type"] == forms.CHECKBOX:
                told["value"] = bool(value)
            else:
                told["values"] = listed(value)
        made.append(told)
    return made
