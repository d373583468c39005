"""What people do on this Slack, what the app is told of it, and what they then see."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from channels.sandbox.server import BadAct
from channels.sandbox.slack.delivery import Answer
from channels.sandbox.slack.forms import Forms
from channels.sandbox.slack.where import Where
from channels.sandbox.slack.world import Chat, Person, Upload

if TYPE_CHECKING:
    from channels.sandbox.slack.sandbox import SlackSandbox

_CHANNEL_TYPE = {"im": "im", "mpim": "mpim", "channel": "channel", "group": "group"}
_SEEN_AS = {"im": "private", "mpim": "group", "channel": "channel", "group": "channel"}
_ADDRESS = re.compile(r"(?<![\w<|/])https?://[^\s<>|]+")
_COMMANDS = (("help", "Ask for help"),)


class Acts:
    def __init__(self, box: SlackSandbox) -> None:
        self._box = box
        self._at = Where(box)
        self.forms = Forms(box, self._at)
        self._known: Mapping[str, Callable[[Mapping[str, Any]], Awaitable[Any]]] = {
            "say": self._say,
            "upload": self._upload,
            "press": self.forms.press,
            "choose": self.forms.choose,
            "suggest": self.forms.suggest,
            "submit": self.forms.submit,
            "close": self.forms.close,
            "edit": self._edit,
            "delete": self._delete,
            "react": self._react,
            "open": self._open,
            "member": self._member,
            "command": self._command,
            "shortcut": self._shortcut,
            "chat": self._chat,
            "person": self._person,
            "team": self._team,
            "outside": self._outside,
            "domains": self._domains,
            "hook": self._hook,
            "disconnect": self._disconnect,
            "uninstall": self._uninstall,
            "limited": self._limited,
            "stop": self._stop,
            "release": self._release,
        }

    async def act(self, what: str, body: Mapping[str, Any]) -> Any:
        if what not in self._known:
            raise BadAct(f"nobody can {what!r} here; there are {', '.join(self._known)}")
        self._box.toast = ""
        try:
            return await self._known[what](body)
        except KeyError as missing:
            raise BadAct(f"{what} needs {missing}") from None

    # Saying

    async def _say(self, body: Mapping[str, Any]) -> Any:
        chat, thread = self._at.chat(body)
        person = self._at.person(body, chat)
        text = str(body["text"])
        if not text.strip():
            raise BadAct("there is nothing to say")
        post = self._box.add(chat, by=person.id, text=self._typed(chat, text), thread=thread)
        return {"message": post.ts, "chat": chat.id}

    async def _upload(self, body: Mapping[str, Any]) -> Any:
        chat, thread = self._at.chat(body)
        person = self._at.person(body, chat)
        name, media, data = body["file"]
        media = media if media != "application/octet-stream" else mimetypes.guess_type(name)[0] or media
        upload = Upload(self._box.new_id("F"), name, media, data, person.id, chat.team, done=True)
        self._box.files[upload.id] = upload
        caption = self._typed(chat, str(body.get("caption", "")))
        post = self._box.add(chat, by=person.id, text=caption, thread=thread, files=[upload])
        return {"message": post.ts, "file": upload.id}

    async def _edit(self, body: Mapping[str, Any]) -> Any:
        chat, post = self._at.theirs(body)
        before = self._box.shown(post)
        post.text = self._typed(chat, str(body["text"]))
        self._box.edited(chat, post, before)
        return {"message": post.ts}

    async def _delete(self, body: Mapping[str, Any]) -> Any:
        chat, post = self._at.theirs(body)
        self._box.deleted(chat, post)
        return {"message": post.ts}

    async def _react(self, body: Mapping[str, Any]) -> Any:
        chat, post = self._at.message(body)
        person, added = self._at.person(body, chat), bool(body.get("add", True))
        name = str(body["emoji"]).strip(":")
        users = post.reactions.setdefault(name, [])
        if added == (person.id in users):
            raise BadAct("it is as it was")
        if added:
            users.append(person.id)
        else:
            users.remove(person.id)
        item = {"type": "message", "channel": chat.id, "ts": post.ts}
        kind = "reaction_added" if added else "reaction_removed"
        event = {"type": kind, "user": person.id, "reaction": name, "item": item, "item_user": post.by}
        self._box.telling.tell(chat, event | {"event_ts": self._box.ts()})
        return {"message": post.ts}

    def _typed(self, chat: Chat, text: str) -> str:
        """As the client sends it: `@Name` is a mention, addresses are links, and three characters are escaped."""
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        people = sorted(self._box.people.values(), key=lambda one: -len(one.name))
        for person in people:
            if person.id in chat.members or person.team == chat.team:
                text = re.sub(rf"(?<!\w)@{re.escape(person.name)}\b", f"<@{person.id}>", text, flags=re.IGNORECASE)
        for name in ("channel", "here", "everyone"):
            text = re.sub(rf"(?<!\w)@{name}\b", f"<!{name}>", text)
        return _ADDRESS.sub(lambda found: f"<{found[0]}>", text)

    # Opening, commands, shortcuts

    async def _open(self, body: Mapping[str, Any]) -> Any:
        """`payload`: `home` opens the home tab, anything else a thread of the assistant's pane."""
        chat, _ = self._at.chat(body)
        person, box = self._at.person(body, chat), self._box
        if chat.kind != "im":
            raise BadAct("only direct messages with the app can be opened so")
        if body.get("payload") == "home":
            event: dict[str, Any] = {"type": "app_home_opened", "user": person.id, "channel": chat.id, "tab": "home"}
            self._box.telling.tell(chat, event | {"event_ts": box.ts()})
            return {"chat": chat.id}
        team = box.teams[chat.team]
        root = box.add(chat, by=team.bot, text="New Assistant Thread", is_bot=True, subtype="assistant_app_thread")
        box.pane(chat, root.ts).is_assistant = True
        started = {
            "type": "assistant_thread_started",
            "assistant_thread": {
                "user_id": person.id,
                "context": {"team_id": team.id},
                "channel_id": chat.id,
                "thread_ts": root.ts,
            },
        }
        self._box.telling.tell(chat, started | {"event_ts": box.ts()})
        return {"chat": f"{chat.id}:{root.ts}"}

    async def _command(self, body: Mapping[str, Any]) -> Any:
        chat, _ = self._at.chat(body)
        person, box = self._at.person(body, chat), self._box
        fields = {
            "token": "verification",
            "team_id": chat.team,
            "team_domain": box.teams[chat.team].name.lower(),
            "channel_id": chat.id,
            "channel_name": "directmessage" if chat.kind == "im" else chat.name,
            "user_id": person.id,
            "user_name": person.name.lower(),
            "command": "/" + str(body["name"]).lstrip("/"),
            "text": str(body.get("text", "")),
            "api_app_id": box.app_id,
            "is_enterprise_install": "false",
            "response_url": box.new_response_url(chat, person),
            "trigger_id": box.new_trigger(person),
        }
        box.delivery.interaction(
            fields["command"], "slash_commands", fields, lambda answer: self._commanded(chat, person, answer)
        )
        return {"chat": chat.id}

    async def _commanded(self, chat: Chat, person: Person, answer: Answer) -> None:
        box = self._box
        if not answer.ok:
            box.toast = "The command failed with the error operation_timeout"
        elif answer.payload.get("text") or answer.payload.get("blocks"):
            everyone = answer.payload.get("response_type") == "in_channel"
            box.add(
                chat,
                by=box.teams[chat.team].bot,
                text=answer.payload.get("text", ""),
                blocks=answer.payload.get("blocks") or [],
                is_bot=True,
                to="" if everyone else person.id,
            )
        box.journal.touch()

    async def _shortcut(self, body: Mapping[str, Any]) -> Any:
        """With `message` a shortcut of that message, else a global one."""
        chat, _ = self._at.chat(body)
        person, box = self._at.person(body, chat), self._box
        callback = {"callback_id": str(body["callback_id"]), "action_ts": box.ts()}
        if "message" not in body:
            box.delivery.interaction(
                "shortcut",
                "interactive",
                self._box.telling.interaction("shortcut", person) | callback,
                self.forms.pressed,
            )
            return {"chat": chat.id}
        _, post = self._at.message(body)
        payload = self._box.telling.interaction("message_action", person) | callback
        payload |= {"channel": {"id": chat.id, "name": chat.name}, "message_ts": post.ts}
        payload |= {"message": box.shown(post), "response_url": box.new_response_url(chat, person)}
        box.delivery.interaction("message_action", "interactive", payload, self.forms.pressed)
        return {"chat": chat.id}

    # People, chats, the app

    async def _member(self, body: Mapping[str, Any]) -> Any:
        """The app joins or leaves a channel."""
        chat, _ = self._at.chat(body)
        team, joins = self._box.teams[chat.team], body["what"] == "join"
        if body["what"] not in ("join", "leave") or chat.kind == "im":
            raise BadAct("on Slack the app can `join` or `leave` a channel; people cannot block it")
        kind = "member_joined_channel" if joins else "member_left_channel"
        event = {"type": kind, "user": team.bot, "channel": chat.id, "channel_type": "C", "team": team.id}
        if joins:
            chat.members.add(team.bot)
        self._box.telling.tell(chat, event | {"event_ts": self._box.ts()})
        if not joins:
            chat.members.discard(team.bot)
        return {"chat": chat.id}

    async def _chat(self, body: Mapping[str, Any]) -> Any:
        box, kind = self._box, {"group": "mpim", "private": "group"}.get(str(body["kind"]), str(body["kind"]))
        if kind == "thread":
            raise BadAct("a thread begins with an answer: say something with `thread`")
        if kind not in ("channel", "group", "mpim"):
            raise BadAct("kinds are channel, private (a private channel) and group (a group message)")
        team = self._at.team(body.get("team"))
        people = {person.id for person in box.people.values() if person.team == team.id}
        return {"chat": box.new_chat(team, kind, str(body.get("title") or "new-chat"), people).id}

    async def _person(self, body: Mapping[str, Any]) -> Any:
        box = self._box
        team = self._at.team(body.get("team"))
        person = box.new_person(team, str(body["name"]))
        for chat in box.chats.values():
            if chat.kind == "channel" and chat.team == team.id:
                chat.members.add(person.id)
        return {"person": person.id, "chat": box.direct(person).id}

    async def _team(self, body: Mapping[str, Any]) -> Any:
        """Another workspace, where the app is not installed yet."""
        team = self._box.new_team(str(body["name"]), installed=False)
        person = self._box.new_person(team, str(body.get("person", "Ben")))
        return {"team": team.id, "person": person.id, "chat": self._box.direct(person).id}

    async def _outside(self, body: Mapping[str, Any]) -> Any:
        """Somebody of another workspace comes into a channel (Slack Connect)."""
        chat, _ = self._at.chat(body)
        if chat.kind not in ("channel", "group"):
            raise BadAct("only a channel can be shared with another workspace")
        other = self._box.new_team(str(body.get("team", "Other")), installed=False)
        person = self._box.new_person(other, str(body.get("name", "Ben")))
        chat.members.add(person.id)
        return {"person": person.id, "team": other.id}

    async def _domains(self, body: Mapping[str, Any]) -> Any:
        """Whose links the app is told of, as in its settings."""
        self._box.domains = [str(domain) for domain in body["domains"]]
        return {}

    async def _hook(self, body: Mapping[str, Any]) -> Any:
        """Set the request address, as in the app's settings: Slack asks it first. Empty: Socket Mode."""
        url = str(body["url"])
        if url and not await self._box.delivery.challenge(url):
            raise BadAct("Your URL didn't respond with the value of the challenge parameter")
        self._box.delivery.hook = url
        return {"url": url}

    async def _disconnect(self, body: Mapping[str, Any]) -> Any:
        await self._box.delivery.ask_to_reconnect(str(body.get("reason", "refresh_requested")))
        return {}

    async def _uninstall(self, body: Mapping[str, Any]) -> Any:
        team = self._at.team(body.get("team"))
        self._box.uninstall(team)
        return {"team": team.id}

    async def _limited(self, body: Mapping[str, Any]) -> Any:
        """Slack says that it drops events."""
        team = self._at.team(body.get("team"))
        at = int(self._box.clock.now().timestamp())
        payload = {"token": "verification", "type": "app_rate_limited", "team_id": team.id}
        self._box.delivery.event(
            "app_rate_limited", payload | {"minute_rate_limited": at, "api_app_id": self._box.app_id}
        )
        return {}

    async def _stop(self, body: Mapping[str, Any]) -> Any:
        """A person ends a message that streams."""
        _, post = self._at.message(body)
        if post.streaming_since is None:
            raise BadAct("that message does not stream")
        post.streaming_since = None
        return {"message": post.ts}

    async def _release(self, body: Mapping[str, Any]) -> Any:
        self._box.delivery.release()
        return {}
