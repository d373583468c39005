"""What the people around one bot do. The bot hears of it as the platform would tell it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from channels.sandbox.server import BadAct
from channels.sandbox.telegram import text
from channels.sandbox.telegram.arguments import Refused, Upload
from channels.sandbox.telegram.updates import Updates
from channels.sandbox.telegram.world import Business, Chat, Object, Person, Press, Said, Topic, World, media_told

Body = Mapping[str, Any]

_KINDS = {"image": "photo", "audio": "audio", "video": "video"}


class People:
    def __init__(self, world: World, updates: Updates) -> None:
        self._world, self._updates = world, updates

    def act(self, what: str, body: Body) -> Any:
        """Raises `BadAct`."""
        if what not in ACTS:
            raise BadAct(f"there is no act {what!r}; there are {', '.join(sorted(ACTS))}")
        try:
            return getattr(self, what)(body)
        except KeyError as missing:
            raise BadAct(f"{what!r} needs {missing}") from missing
        except Refused as refused:
            raise BadAct(refused.description) from refused

    # Saying something

    def say(self, body: Body) -> Object:
        words = str(body["text"])
        if not words.strip():
            raise BadAct("`text` is empty")
        entities = body.get("entities") or text.detected(words)
        return self._say(body, {"text": words} | ({"entities": list(entities)} if entities else {}))

    def open(self, body: Body) -> Object:
        return self.say({**body, "text": f"/start {body.get('payload', '')}".strip()})

    def command(self, body: Body) -> Object:
        return self.say({**body, "text": f"/{body['name']} {body.get('text', '')}".strip()})

    def location(self, body: Body) -> Object:
        place = {"latitude": float(body["latitude"]), "longitude": float(body["longitude"])}
        if title := body.get("title"):
            venue = {"location": place, "title": title, "address": body.get("address", "")}
            return self._say(body, {"venue": venue, "location": place})
        return self._say(body, {"location": place})

    def contact(self, body: Body) -> Object:
        _, _, by = self._where(body)
        person = self._world.people[by]
        card = {"phone_number": body.get("phone", "+15550100"), "first_name": person.name, "user_id": person.id}
        return self._say({**body, "by": by}, {"contact": card})

    def upload(self, body: Body) -> Object:
        """One file, or several as an album: `file`, `file2`, ..., each (name, type, bytes)."""
        files = [body[name] for name in sorted(body) if name.startswith("file")]
        if not files:
            raise BadAct("'upload' needs 'file'")
        group = dict[str, Any]()
        if len(files) > 1:
            self._world.albums += 1
            group["media_group_id"] = str(13_000_000_000_000_000 + self._world.albums)
        caption, made = str(body.get("caption", "")), dict[str, Any]()
        for name, kind, content in files:
            words = {"caption": caption, "caption_entities": text.detected(caption)} if caption and not made else {}
            made = self._say(body, group | self._media(body.get("kind", ""), Upload(name, kind, content)) | words)
        return made

    def voice(self, body: Body) -> Object:
        return self.upload({**body, "kind": "voice"})

    def _media(self, kind: str, upload: Upload) -> Object:
        kind = {"file": "document", "image": "photo"}.get(kind, kind) or _KINDS.get(upload.type.split("/")[0], "")
        file = self._world.keep(upload, kind or "documents")
        if kind == "photo" and file.shape == (0, 0):
            kind = "document"
        return {kind or "document": media_told(kind or "document", file, duration=int(bool(kind)))}

    def _say(self, body: Body, what: Object) -> Object:
        chat, thread, by = self._where(body)
        if chat.blocked:
            raise BadAct("the bot is blocked: unblock it first")
        if reply := body.get("reply_to"):
            answered = self._said(chat, reply).told
            what = what | {"reply_to_message": {n: v for n, v in answered.items() if n != "reply_to_message"}}
        chat.open = True
        said = self._world.said(chat, by, what, thread=thread)
        if chat.keyboard_once:
            chat.keyboard = None
        self._tell(chat, said)
        return {"message": str(said.id), "chat": page_id(chat)}

    def _tell(self, chat: Chat, said: Said, *, edited: bool = False) -> None:
        if chat.business:
            kind = "business_message"
        elif chat.type == "channel":
            kind = "channel_post"
        else:
            kind = "message"
        if self._may_hear(chat, said):
            self._updates.add(f"edited_{kind}" if edited else kind, _without_none(said.told), queue=f"chat {chat.id}")

    def _may_hear(self, chat: Chat, said: Said) -> bool:
        """Privacy mode: https://core.telegram.org/bots/features#privacy-mode"""
        if chat.business:
            return self._world.businesses[chat.business].enabled
        if chat.person is not None:
            return True
        status = chat.members.get(self._world.bot_id, "left")
        if status in ("left", "kicked"):
            return False
        if status == "administrator" or self._world.reads_groups or "text" not in said.told:
            replied = said.told.get("reply_to_message", {}).get("from", {}).get("id") == self._world.bot_id
            service = not set(said.told) & {"photo", "document", "voice", "audio", "video", "location", "contact"}
            return status == "administrator" or self._world.reads_groups or service or replied
        words, name = said.told["text"], f"@{self._world.bot['username']}"
        commands = [
            text.cut(words, entity["offset"], entity["length"])
            for entity in said.told.get("entities", ())
            if entity["type"] == "bot_command"
        ]
        if any("@" not in command or command.endswith(name) for command in commands) or name in words:
            return True
        return bool(said.told.get("reply_to_message", {}).get("from", {}).get("id") == self._world.bot_id)

    # Doing something with what was said

    def press(self, body: Body) -> Object:
        chat, _, by = self._where(body)
        said = self._said(chat, body["message"])
        button = self._button(said, str(body["id"]))
        if "callback_data" not in button:
            return {name: value for name, value in button.items() if name != "text"}
        press = Press(str(self._world.chance.getrandbits(62)), said, self._world.clock.now())
        self._world.presses[press.id] = press
        query = {
            "id": press.id,
            "from": self._world.sender(by),
            "chat_instance": str(abs(chat.id)),
            "data": button["callback_data"],
            "message": said.told,
        }
        self._updates.add("callback_query", query, queue=f"presses {by}")
        return {"press": press.id}

    def _button(self, said: Said, at: str) -> Object:
        rows = said.told.get("reply_markup", {}).get("inline_keyboard", [])
        for row, buttons in enumerate(rows):
            for column, button in enumerate(buttons):
                if at in (f"{row}.{column}", button["text"]):
                    if "disabled" in button:
                        raise BadAct(f"button {at!r} is disabled")
                    return dict(button)
        raise BadAct(f"message {said.id} has no button {at!r}")

    def edit(self, body: Body) -> Object:
        chat, _, by = self._where(body)
        said = self._said(chat, body["message"])
        if said.by != by:
            raise BadAct("only its author may edit a message")
        words = str(body["text"])
        name, marks = ("text", "entities") if "text" in said.told else ("caption", "caption_entities")
        told = {key: value for key, value in said.told.items() if key != marks}
        found = text.detected(words)
        said.told = told | {name: words, "edit_date": self._world.now()} | ({marks: found} if found else {})
        self._tell(chat, said, edited=True)
        return {"message": str(said.id)}

    def delete(self, body: Body) -> Object:
        """The bot hears of it from business accounts only."""
        chat, _, _ = self._where(body)
        said = self._said(chat, body["message"])
        said.deleted = True
        if chat.business:
            gone = {"business_connection_id": chat.business, "chat": chat.told(), "message_ids": [said.id]}
            self._updates.add("deleted_business_messages", gone, queue=f"business {chat.id}")
        return {"message": str(said.id)}

    def react(self, body: Body) -> Object:
        chat, _, by = self._where(body)
        said = self._said(chat, body["message"])
        emoji = {"type": "emoji", "emoji": str(body["emoji"])}
        old = said.reactions.get(by, [])
        new = [each for each in old if each != emoji] + ([emoji] if body.get("add", True) else [])
        said.reactions[by] = new
        if chat.person is not None or chat.members.get(self._world.bot_id) == "administrator":
            changed = {"chat": chat.told(), "message_id": said.id, "date": self._world.now()}
            changed |= {"user": self._world.sender(by), "old_reaction": old, "new_reaction": new}
            self._updates.add("message_reaction", changed, queue=f"chat {chat.id}")
        return {"message": str(said.id)}

    def stop(self, body: Body) -> Object:
        """Press Stop on a draft that streams."""
        chat, _, _ = self._where(body)
        draft = chat.draft
        if draft is None or not draft.can_stop:
            raise BadAct("no draft is shown that can be stopped")
        if draft.stays:
            draft.can_stop = False
        else:
            chat.draft = None
        stopped = {"chat": chat.told(), "draft_id": draft.id}
        stopped |= {"message_thread_id": draft.thread} if draft.thread else {}
        self._updates.add("stopped_message_generation", stopped, queue=f"chat {chat.id}")
        return {"draft": draft.id}

    # Coming and going

    def member(self, body: Body) -> Object:
        """`block`, `unblock` in a private chat; `join`, `promote`, `leave`, `kick` of the bot in a group."""
        chat, _, by = self._where(body)
        what = str(body["what"])
        if chat.person is not None:
            if what not in ("block", "unblock"):
                raise BadAct("in a private chat the bot can be blocked and unblocked")
            chat.blocked, chat.open = what == "block", True
            self._changed(chat, by, "member" if chat.blocked else "kicked", "kicked" if chat.blocked else "member")
            return {}
        status = {"join": "member", "promote": "administrator", "leave": "left", "kick": "kicked"}.get(what)
        if status is None:
            raise BadAct("in a group the bot can join, be promoted, leave, or be kicked: join, promote, leave, kick")
        old = chat.members.get(self._world.bot_id, "left")
        chat.members[self._world.bot_id] = status
        self._changed(chat, by, old, status)
        return {}

    def _changed(self, chat: Chat, by: int, old: str, new: str) -> None:
        bot = self._world.bot_id
        chat.members[bot] = old
        was = self._world.member(chat, bot)
        chat.members[bot] = new
        changed = {
            "chat": chat.told(),
            "from": self._world.sender(by),
            "date": self._world.now(),
            "old_chat_member": was,
            "new_chat_member": self._world.member(chat, bot),
        }
        self._updates.add("my_chat_member", changed, queue=f"membership {chat.id}")

    def person(self, body: Body) -> Object:
        person = self._world.person(str(body["name"]))
        person.language = str(body.get("language", "en"))
        return {"person": str(person.id), "chat": str(person.id)}

    def deactivate(self, body: Body) -> Object:
        self._world.people[int(body["person"])].deactivated = True
        return {}

    def chat(self, body: Body) -> Object:
        kind, title = str(body["kind"]), str(body.get("title", "")) or "A group"
        if kind == "private":
            return self.person({"name": body.get("title", "Somebody")})
        if kind == "topic":
            forum, _, _ = self._where({"chat": body["parent"]})
            if not forum.forum:
                raise BadAct(f"chat {body['parent']} has no topics: make one of kind 'forum'")
            number = forum.next_id()
            forum.topics[number] = Topic(number, title)
            return {"chat": f"{page_id(forum)}/{number}", "thread": number}
        if kind not in ("group", "supergroup", "forum", "channel"):
            raise BadAct("`kind` is private, group, supergroup, forum, topic or channel")
        number = len(self._world.chats) + 1
        whole = kind == "group"
        chat = Chat(
            -(4_000_000 + number) if whole else -(1_002_000_000_000 + number),
            "group" if whole else "channel" if kind == "channel" else "supergroup",
            title,
            forum=kind == "forum",
            members={person.id: "member" for person in self._world.people.values()},
        )
        self._world.chats[chat.id] = chat
        if body.get("bot", True):
            status = "administrator" if kind == "channel" or body.get("admin") else "member"
            self._changed(chat, next(iter(self._world.people)), "left", status)
        return {"chat": page_id(chat)}

    def migrate(self, body: Body) -> Object:
        """A group becomes a supergroup, with another id."""
        old, _, by = self._where(body)
        if old.type != "group" or old.migrated_to:
            raise BadAct("only a plain group can become a supergroup, once")
        number = -(1_002_000_000_000 + len(self._world.chats) + 1)
        new = Chat(number, "supergroup", old.title, members=dict(old.members))
        self._world.chats[new.id] = new
        self._tell(old, self._world.said(old, by, {"migrate_to_chat_id": new.id}))
        old.migrated_to = new.id
        self._tell(new, self._world.said(new, by, {"migrate_from_chat_id": old.id}))
        return {"chat": page_id(new)}

    def guest(self, body: Body) -> Object:
        """Summon the bot in a chat it is no member of."""
        person = self._world.people[int(body.get("by", next(iter(self._world.people))))]
        chat = Chat(
            -1_003_000_000_000 - len(self._world.chats), "supergroup", "Elsewhere", members={person.id: "member"}
        )
        self._world.chats[chat.id] = chat
        query = str(self._world.chance.getrandbits(62))
        said = self._world.said(chat, person.id, {"text": str(body["text"]), "guest_query_id": query})
        self._world.guests[query] = said
        self._updates.add("guest_message", said.told, queue=f"guest {person.id}")
        return {"chat": page_id(chat), "message": str(said.id)}

    def business(self, body: Body) -> Object:
        """Connect the bot to a business account, or change the connection named."""
        connection = str(body.get("connection", ""))
        if not connection:
            owner = Person(8001 + len(self._world.businesses), str(body.get("name", "Owner")))
            self._world.people[owner.id] = owner
            connection = f"biz{owner.id}"
            self._world.businesses[connection] = Business(connection, owner, at=self._world.clock.now())
        business = self._world.businesses.get(connection)
        if business is None:
            raise BadAct(f"there is no business connection {connection!r}")
        business.enabled = bool(body.get("enabled", business.enabled))
        business.rights = {**business.rights, **body.get("rights", {})}
        self._updates.add("business_connection", business.told(), queue=f"business {connection}")
        customer = next(person for person in self._world.people.values() if person is not business.owner)
        chats = self._world.business_chats
        if (connection, customer.id) not in chats:
            chats[connection, customer.id] = Chat(
                customer.id, "private", customer.name, person=customer, business=connection
            )
        return {"connection": connection, "owner": str(business.owner.id), "chat": f"{connection}:{customer.id}"}

    def privacy(self, body: Body) -> Object:
        """Whether the bot hears only what is meant for it in groups."""
        self._world.reads_groups = not body["on"]
        return {}

    def update(self, body: Body) -> Object:
        """Any update, as it is given."""
        if not isinstance(body["update"], Mapping):
            raise BadAct("`update` is an object")
        self._updates.add_raw(body["update"])
        return {}

    # Where

    def _where(self, body: Body) -> tuple[Chat, int, int]:
        """Chat, thread, and who acts there."""
        chat, thread = self._chat(str(body["chat"]))
        thread = int(body.get("thread") or thread)
        if thread and thread not in chat.topics:
            raise BadAct(f"chat {body['chat']} has no topic {thread}")
        owner = self._world.businesses[chat.business].owner.id if chat.business else None
        by = body.get("by")
        if by is None:
            by = chat.person.id if chat.person is not None else next(iter(self._world.people))
        if int(by) not in self._world.people or (chat.person and int(by) not in (chat.person.id, owner)):
            raise BadAct(f"nobody {by!r} is in chat {body['chat']}")
        return chat, thread, int(by)

    def _chat(self, name: str) -> tuple[Chat, int]:
        connection, _, customer = name.rpartition(":")
        number, _, thread = customer.partition("/")
        try:
            if connection:
                return self._world.business_chats[connection, int(number)], 0
            return self._world.chats[int(number)], int(thread or 0)
        except (KeyError, ValueError) as error:
            raise BadAct(f"there is no chat {name!r}") from error

    def _said(self, chat: Chat, number: Any) -> Said:
        name = str(number)
        found = next(
            (each for each in chat.messages() if message_id(each) == name and not each.deleted),
            None,
        )
        if found is None:
            raise BadAct(f"there is no message {number!r} in that chat")
        return found


ACTS = frozenset(name for name in vars(People) if not name.startswith("_") and name != "act")


def page_id(chat: Chat) -> str:
    """How the page names a chat; its topics are `CHAT/TOPIC`."""
    return f"{chat.business}:{chat.id}" if chat.business else str(chat.id)


def message_id(said: Said) -> str:
    return f"e{said.told['ephemeral_message_id']}" if said.to else str(said.id)


def _without_none(told: Object) -> Object:
    return {name: value for name, value in told.items() if value is not None}
