"""What people do on this Slack, what the app is told of it, and what they then see."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from channels.sandbox.server import BadAct
from channels.sandbox.slack import looks
from channels.sandbox.slack.blocks import interactive
from channels.sandbox.slack.delivery import Answer
from channels.sandbox.slack.world import Chat, Person, Post, Team, Upload, View

if TYPE_CHECKING:
    from channels.sandbox.slack.sandbox import SlackSandbox

_CHANNEL_TYPE = {"im": "im", "mpim": "mpim", "channel": "channel", "group": "group"}
_SEEN_AS = {"im": "private", "mpim": "group", "channel": "channel", "group": "channel"}
_ADDRESS = re.compile(r"(?<![\w<|/])https?://[^\s<>|]+")
_COMMANDS = (("help", "Ask for help"),)


class Acts:
    def __init__(self, box: SlackSandbox) -> None:
        self._box = box
        self._known: Mapping[str, Callable[[Mapping[str, Any]], Awaitable[Any]]] = {
            "say": self._say,
            "upload": self._upload,
            "press": self._press,
            "choose": self._choose,
            "submit": self._submit,
            "close": self._close,
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
        chat, thread = self._where(body)
        person = self._who(body, chat)
        text = str(body["text"])
        if not text.strip():
            raise BadAct("there is nothing to say")
        post = self._box.add(chat, by=person.id, text=self._typed(chat, text), thread=thread)
        return {"message": post.ts, "chat": chat.id}

    async def _upload(self, body: Mapping[str, Any]) -> Any:
        chat, thread = self._where(body)
        person = self._who(body, chat)
        name, media, data = body["file"]
        media = media if media != "application/octet-stream" else mimetypes.guess_type(name)[0] or media
        upload = Upload(self._box.new_id("F"), name, media, data, person.id, chat.team, done=True)
        self._box.files[upload.id] = upload
        caption = self._typed(chat, str(body.get("caption", "")))
        post = self._box.add(chat, by=person.id, text=caption, thread=thread, files=[upload])
        return {"message": post.ts, "file": upload.id}

    async def _edit(self, body: Mapping[str, Any]) -> Any:
        chat, post = self._theirs(body)
        before = self._box.shown(post)
        post.text = self._typed(chat, str(body["text"]))
        self._box.edited(chat, post, before)
        return {"message": post.ts}

    async def _delete(self, body: Mapping[str, Any]) -> Any:
        chat, post = self._theirs(body)
        self._box.deleted(chat, post)
        return {"message": post.ts}

    async def _react(self, body: Mapping[str, Any]) -> Any:
        chat, post = self._message(body)
        person, added = self._who(body, chat), bool(body.get("add", True))
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
        self._tell(chat, event | {"event_ts": self._box.ts()})
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

    # Pressing and filling in

    async def _press(self, body: Mapping[str, Any]) -> Any:
        chat, post = self._message(body)
        person = self._who(body, chat)
        block, element, which = self._element(post.blocks, str(body["id"]))
        if element["type"] == "feedback_buttons":
            value = element[which or "positive_button"]
            action = {"type": "feedback_buttons", "text": value["text"], "value": value["value"]}
        elif element["type"] == "button":
            action = {"type": "button", "text": element["text"], "value": element.get("value", "")}
        else:
            raise BadAct("that is no button")
        self._acted(chat, post, person, block, element, action)
        return {"message": post.ts}

    async def _choose(self, body: Mapping[str, Any]) -> Any:
        chat, post = self._message(body)
        person = self._who(body, chat)
        block, element, _ = self._element(post.blocks, str(body["id"]))
        values = [str(value) for value in body["values"]]
        chosen = [self._option(element, value) for value in values]
        many = element["type"] in ("multi_static_select", "checkboxes")
        action: dict[str, Any] = {"type": element["type"]}
        action |= {"selected_options": chosen} if many else {"selected_option": chosen[0]}
        self._acted(chat, post, person, block, element, action)
        return {"message": post.ts}

    def _acted(
        self,
        chat: Chat,
        post: Post,
        person: Person,
        block: str,
        element: Mapping[str, Any],
        action: Mapping[str, Any],
    ) -> None:
        box = self._box
        seen = {"action_id": element.get("action_id", ""), "block_id": block, "action_ts": box.ts(), **action}
        container: dict[str, Any] = {"type": "message", "message_ts": post.ts, "channel_id": chat.id}
        container |= {"is_ephemeral": bool(post.to)} | ({"thread_ts": post.thread} if post.thread else {})
        payload = self._interaction("block_actions", person) | {
            "container": container,
            "channel": {"id": chat.id, "name": "directmessage" if chat.kind == "im" else chat.name},
            "response_url": box.new_response_url(chat, person, thread=post.thread, post=post.ts),
            "actions": [seen],
            "state": {"values": {}},
        }
        if not post.to:
            payload["message"] = box.shown(post)
        box.delivery.interaction("block_actions", "interactive", payload, self._pressed)

    async def _pressed(self, answer: Answer) -> None:
        if not answer.ok:
            self._box.toast = "We had some trouble connecting. Try again?"
        self._box.journal.touch()

    async def _submit(self, body: Mapping[str, Any]) -> Any:
        view = self._modal(str(body["id"]))
        values = body.get("values", {})
        if not isinstance(values, dict):
            raise BadAct("values are by id of the field")
        for block in view.view["blocks"]:
            if block["type"] != "input":
                continue
            given = values.get(block["block_id"], view.values.get(block["block_id"]))
            if given in (None, "", []) and not block.get("optional"):
                raise BadAct(f"{block['label']['text']!r} is required")
            if given not in (None, "", []):
                view.values[block["block_id"]] = self._checked(block, given)
        person = self._box.people[view.user]
        payload = self._interaction("view_submission", person)
        payload |= {"view": self._box.view_shown(view), "response_urls": []}
        self._box.delivery.interaction(
            "view_submission", "interactive", payload, lambda answer: self._submitted(view, answer)
        )
        return {"view": view.id}

    async def _submitted(self, view: View, answer: Answer) -> None:
        box, stack = self._box, self._box.modals.get(view.user, [])
        action = answer.payload.get("response_action")
        if not answer.ok:
            box.toast = "We had some trouble connecting. Try again?"
        elif action == "errors":
            known = {block["block_id"] for block in view.view["blocks"] if block["type"] == "input"}
            errors = answer.payload.get("errors") or {}
            if not errors or not set(errors) <= known:
                box.journal.add("refused", "response_action", {"errors": errors, "inputs": sorted(known)})
                box.toast = "We had some trouble connecting. Try again?"
            else:
                view.errors = {str(name): str(why) for name, why in errors.items()}
        elif action in ("update", "push") and isinstance(answer.payload.get("view"), dict):
            box.modals[view.user] = stack if action == "push" else stack[:-1]
            box.show_view(box.teams[view.team], view.user, answer.payload["view"], on=box.modals[view.user])
        elif action == "clear":
            box.modals.pop(view.user, None)
        else:
            box.modals[view.user] = [one for one in stack if one is not view]
        box.journal.touch()

    async def _close(self, body: Mapping[str, Any]) -> Any:
        view = self._modal(str(body["id"]))
        stack = self._box.modals[view.user]
        stack.remove(view)
        if view.view.get("notify_on_close"):
            payload = self._interaction("view_closed", self._box.people[view.user])
            del payload["trigger_id"]
            payload |= {"view": self._box.view_shown(view), "is_cleared": False}
            self._box.delivery.interaction("view_closed", "interactive", payload)
        return {"view": view.id}

    def _interaction(self, kind: str, person: Person) -> dict[str, Any]:
        team = self._box.teams[person.team]
        return {
            "type": kind,
            "team": {"id": team.id, "domain": team.name.lower()},
            "user": {"id": person.id, "username": person.name.lower(), "name": person.name, "team_id": team.id},
            "api_app_id": self._box.app_id,
            "token": "verification",
            "trigger_id": self._box.new_trigger(person),
            "enterprise": None,
            "is_enterprise_install": False,
        }

    def _element(self, blocks: list[dict[str, Any]], id: str) -> tuple[str, Mapping[str, Any], str]:
        for block, element in interactive(blocks):
            known_as = f"{block}/{element.get('action_id', '')}"
            if id == known_as or id.startswith(f"{known_as}/"):
                return block, element, id.removeprefix(known_as).lstrip("/")
        raise BadAct(f"there is no {id!r} on it; `seen` lists what there is")

    def _option(self, element: Mapping[str, Any], value: str) -> dict[str, Any]:
        groups = element.get("option_groups") or [{"options": element.get("options", ())}]
        for group in groups:
            for option in group["options"]:
                if option["value"] == value:
                    return dict(option)
        raise BadAct(f"{value!r} cannot be chosen here")

    def _checked(self, block: Mapping[str, Any], given: Any) -> Any:
        """What the client lets pass of what a person filled in."""
        element = block["element"]
        match element["type"]:
            case "static_select" | "radio_buttons":
                self._option(element, str(given))
            case "multi_static_select" | "checkboxes":
                for value in given:
                    self._option(element, str(value))
            case "email_text_input" if "@" not in str(given):
                raise BadAct("that is no e-mail address")
            case "number_input" if not re.fullmatch(r"-?\d+([.,]\d+)?", str(given)):
                raise BadAct("that is no number")
            case "datepicker" if not re.fullmatch(r"\d{4}-\d\d-\d\d", str(given)):
                raise BadAct("a date is YYYY-MM-DD")
            case "timepicker" if not re.fullmatch(r"\d\d:\d\d", str(given)):
                raise BadAct("a time is HH:MM")
        return given

    def state_of(self, view: View) -> dict[str, Any]:
        """As Slack sends what was filled in."""
        return {
            block["block_id"]: {block["element"].get("action_id", ""): self._state(block["element"], view, block)}
            for block in view.view["blocks"]
            if block["type"] == "input"
        }

    def _state(self, element: Mapping[str, Any], view: View, block: Mapping[str, Any]) -> dict[str, Any]:
        given = view.values.get(block["block_id"])
        kind = element["type"]
        match kind:
            case "static_select" | "radio_buttons":
                chosen = self._option(element, str(given)) if given is not None else element.get("initial_option")
                return {"type": kind, "selected_option": chosen}
            case "multi_static_select" | "checkboxes":
                return {"type": kind, "selected_options": [self._option(element, str(one)) for one in given or ()]}
            case "datepicker":
                return {"type": kind, "selected_date": given or element.get("initial_date")}
            case "timepicker":
                return {"type": kind, "selected_time": given or element.get("initial_time")}
            case _:
                return {"type": kind, "value": given if given is not None else element.get("initial_value")}

    # Opening, commands, shortcuts

    async def _open(self, body: Mapping[str, Any]) -> Any:
        """`payload`: `home` opens the home tab, anything else a thread of the assistant's pane."""
        chat, _ = self._where(body)
        person, box = self._who(body, chat), self._box
        if chat.kind != "im":
            raise BadAct("only direct messages with the app can be opened so")
        if body.get("payload") == "home":
            event: dict[str, Any] = {"type": "app_home_opened", "user": person.id, "channel": chat.id, "tab": "home"}
            self._tell(chat, event | {"event_ts": box.ts()})
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
        self._tell(chat, started | {"event_ts": box.ts()})
        return {"chat": f"{chat.id}:{root.ts}"}

    async def _command(self, body: Mapping[str, Any]) -> Any:
        chat, _ = self._where(body)
        person, box = self._who(body, chat), self._box
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
        chat, _ = self._where(body)
        person, box = self._who(body, chat), self._box
        callback = {"callback_id": str(body["callback_id"]), "action_ts": box.ts()}
        if "message" not in body:
            box.delivery.interaction(
                "shortcut", "interactive", self._interaction("shortcut", person) | callback, self._pressed
            )
            return {"chat": chat.id}
        _, post = self._message(body)
        payload = self._interaction("message_action", person) | callback
        payload |= {"channel": {"id": chat.id, "name": chat.name}, "message_ts": post.ts}
        payload |= {"message": box.shown(post), "response_url": box.new_response_url(chat, person)}
        box.delivery.interaction("message_action", "interactive", payload, self._pressed)
        return {"chat": chat.id}

    # People, chats, the app

    async def _member(self, body: Mapping[str, Any]) -> Any:
        """The app joins or leaves a channel."""
        chat, _ = self._where(body)
        team, joins = self._box.teams[chat.team], body["what"] == "join"
        if body["what"] not in ("join", "leave") or chat.kind == "im":
            raise BadAct("on Slack the app can `join` or `leave` a channel; people cannot block it")
        kind = "member_joined_channel" if joins else "member_left_channel"
        event = {"type": kind, "user": team.bot, "channel": chat.id, "channel_type": "C", "team": team.id}
        if joins:
            chat.members.add(team.bot)
        self._tell(chat, event | {"event_ts": self._box.ts()})
        if not joins:
            chat.members.discard(team.bot)
        return {"chat": chat.id}

    async def _chat(self, body: Mapping[str, Any]) -> Any:
        box, kind = self._box, {"group": "mpim", "private": "group"}.get(str(body["kind"]), str(body["kind"]))
        if kind == "thread":
            raise BadAct("a thread begins with an answer: say something with `thread`")
        if kind not in ("channel", "group", "mpim"):
            raise BadAct("kinds are channel, private (a private channel) and group (a group message)")
        team = self._team_named(body.get("team"))
        people = {person.id for person in box.people.values() if person.team == team.id}
        return {"chat": box.new_chat(team, kind, str(body.get("title") or "new-chat"), people).id}

    async def _person(self, body: Mapping[str, Any]) -> Any:
        box = self._box
        team = self._team_named(body.get("team"))
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
        team = self._team_named(body.get("team"))
        self._box.uninstall(team)
        return {"team": team.id}

    async def _limited(self, body: Mapping[str, Any]) -> Any:
        """Slack says that it drops events."""
        team = self._team_named(body.get("team"))
        at = int(self._box.clock.now().timestamp())
        payload = {"token": "verification", "type": "app_rate_limited", "team_id": team.id}
        self._box.delivery.event(
            "app_rate_limited", payload | {"minute_rate_limited": at, "api_app_id": self._box.app_id}
        )
        return {}

    async def _stop(self, body: Mapping[str, Any]) -> Any:
        """A person ends a message that streams."""
        _, post = self._message(body)
        if post.streaming_since is None:
            raise BadAct("that message does not stream")
        post.streaming_since = None
        return {"message": post.ts}

    async def _release(self, body: Mapping[str, Any]) -> Any:
        self._box.delivery.release()
        return {}

    # What the app is told

    def tell_said(self, chat: Chat, post: Post) -> None:
        box, team = self._box, self._box.teams[chat.team]
        if team.bot not in chat.members and f"<@{team.bot}>" not in post.text:
            return
        event = box.shown(post) | {"channel": chat.id, "event_ts": post.ts}
        if post.thread:
            event["parent_user_id"] = chat.posts[post.thread].by
        if team.bot in chat.members:
            self._tell(chat, event | {"channel_type": _CHANNEL_TYPE[chat.kind]})
        if chat.kind != "im" and not post.is_bot and f"<@{team.bot}>" in post.text:
            self._tell(chat, {**event, "type": "app_mention"})

    def tell_changed(self, chat: Chat, post: Post, before: Mapping[str, Any]) -> None:
        self._tell(chat, self._change(chat, "message_changed", message=self._box.shown(post), previous_message=before))

    def tell_deleted(self, chat: Chat, post: Post, before: Mapping[str, Any]) -> None:
        if any(one.thread == post.ts and not one.deleted for one in chat.posts.values()):
            gone: dict[str, Any] = {
                "type": "message",
                "subtype": "tombstone",
                "text": "This message was deleted.",
                "user": "USLACKBOT",
            }
            gone |= {"hidden": True, "ts": post.ts, "thread_ts": post.ts}
            self._tell(chat, self._change(chat, "message_changed", message=gone, previous_message=before))
        else:
            self._tell(chat, self._change(chat, "message_deleted", deleted_ts=post.ts, previous_message=before))

    def _change(self, chat: Chat, subtype: str, **more: Any) -> dict[str, Any]:
        ts = self._box.ts()
        change = {"type": "message", "subtype": subtype, "channel": chat.id, "hidden": True, "ts": ts, "event_ts": ts}
        return change | {"channel_type": _CHANNEL_TYPE[chat.kind]} | more

    def tell_uninstalled(self, team: Team) -> None:
        self._tell_team(team, {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [team.bot]}})
        self._tell_team(team, {"type": "app_uninstalled"})

    def _tell(self, chat: Chat, event: Mapping[str, Any]) -> None:
        team = self._box.teams[chat.team]
        if team.bot in chat.members or event["type"] == "app_mention":
            self._tell_team(team, event)

    def _tell_team(self, team: Team, event: Mapping[str, Any]) -> None:
        box = self._box
        if not team.installed and event["type"] not in ("tokens_revoked", "app_uninstalled"):
            return
        envelope = {
            "token": "verification",
            "team_id": team.id,
            "context_team_id": team.id,
            "api_app_id": box.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": box.new_id("Ev"),
            "event_time": int(box.clock.now().timestamp()),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": team.id,
                    "user_id": team.bot,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
        }
        name = str(event["type"])
        box.delivery.event(name, envelope)

    # Who and where

    def _where(self, body: Mapping[str, Any]) -> tuple[Chat, str]:
        chat, thread = self._box.chat_of(str(body["chat"]))
        thread = str(body.get("thread") or thread)
        if thread and thread not in chat.posts:
            raise BadAct(f"there is no message {thread!r} to answer")
        return chat, chat.posts[thread].thread or thread if thread else ""

    def _who(self, body: Mapping[str, Any], chat: Chat) -> Person:
        people = [self._box.people[id] for id in sorted(chat.members)]
        people = [person for person in people if not person.is_bot]
        by = body.get("by")
        for person in people:
            if by in (None, person.id, person.name):
                return person
        raise BadAct(f"{by or 'nobody'} is not in this chat; there are {', '.join(one.name for one in people)}")

    def _message(self, body: Mapping[str, Any]) -> tuple[Chat, Post]:
        chat, _ = self._where(body)
        post = chat.posts.get(str(body["message"]))
        if post is None or post.deleted:
            raise BadAct(f"there is no message {body['message']!r} in it")
        return chat, post

    def _theirs(self, body: Mapping[str, Any]) -> tuple[Chat, Post]:
        chat, post = self._message(body)
        if post.is_bot:
            raise BadAct("that is the app's message")
        return chat, post

    def _modal(self, id: str) -> View:
        for stack in self._box.modals.values():
            if stack and stack[-1].id == id:
                return stack[-1]
        raise BadAct(f"no modal {id!r} is open")

    def _team_named(self, name: Any) -> Team:
        for team in self._box.teams.values():
            if name in (None, team.id, team.name):
                return team
        raise BadAct(f"there is no workspace {name!r}; there are {', '.join(t.name for t in self._box.teams.values())}")

    # What they see

    def seen(self) -> Any:
        box = self._box
        stack = next((stack for stack in box.modals.values() if stack), [])
        return {
            "platform": "slack",
            "bots": [{"id": one.id, "name": one.name} for one in box.people.values() if one.is_bot],
            "people": [{"id": one.id, "name": one.name} for one in box.people.values() if not one.is_bot],
            "absent": not box.delivery.has_met,
            "chats": [shown for chat in box.chats.values() for shown in self._chats(chat)],
            "modal": self._modal_seen(stack[-1]) if stack else None,
            "toast": box.toast,
        }

    def _chats(self, chat: Chat) -> list[dict[str, Any]]:
        threads = dict.fromkeys([post.thread for post in chat.posts.values() if post.thread])
        threads |= dict.fromkeys(chat.panes)
        top = [post for post in chat.at_top() if not (chat.panes.get(post.ts) and chat.panes[post.ts].is_assistant)]
        shown = [self._chat_seen(chat, "", top)]
        return [*shown, *(self._chat_seen(chat, ts, chat.in_thread(ts)) for ts in threads)]

    def _chat_seen(self, chat: Chat, thread: str, posts: list[Post]) -> dict[str, Any]:
        box, pane = self._box, chat.panes.get(thread)
        first = chat.posts[thread].text if thread else ""
        bot = box.people[box.teams[chat.team].bot].name
        prompts = [[{"label": one["message"], "ask": ""} for one in pane.prompts]] if pane and pane.prompts else None
        return {
            "id": f"{chat.id}:{thread}" if thread else chat.id,
            "title": (pane.title if pane and pane.title else first[:60]) if thread else chat.name,
            "kind": "thread" if thread else _SEEN_AS[chat.kind],
            "parent": chat.id if thread else None,
            "blocked": box.teams[chat.team].bot not in chat.members,
            "typing": f"{bot} {pane.status}" if pane and pane.status else "",
            "messages": [self._post_seen(chat, post) for post in posts if not _is_hidden(chat, post)],
            "keyboard": prompts,
            "commands": [{"name": name, "about": about} for name, about in _COMMANDS],
            "can": ["say", "upload", "edit", "delete", "react"],
        }

    def _post_seen(self, chat: Chat, post: Post) -> dict[str, Any]:
        box, by = self._box, self._box.people[post.by]
        return {
            "id": post.ts,
            "by": "bot" if post.is_bot else "person",
            "name": by.name,
            "at": post.at.isoformat(),
            "reply_to": None,
            "spans": [] if post.deleted else box.spans_of(post),
            "edited": bool(post.edited) and not post.is_bot,
            "deleted": post.deleted,
            "draft": post.streaming_since is not None,
            "ephemeral": bool(post.to),
            "to": post.to or None,
            "reactions": [{"emoji": f":{name}:", "count": len(ids)} for name, ids in post.reactions.items() if ids],
            "files": [] if post.deleted else [_file_seen(upload) for upload in post.files],
            "cards": [] if post.deleted else looks.cards(post.blocks),
            "table": None if post.deleted else looks.table(post.blocks),
            "location": None,
            "contact": None,
            "rows": [] if post.deleted else looks.rows(post.blocks),
            "pings": looks.pinged(post.text, post.blocks),
            "replies": sum(one.thread == post.ts and not one.deleted for one in chat.posts.values()),
        }

    def _modal_seen(self, view: View) -> dict[str, Any]:
        shown = view.view
        return {
            "id": view.id,
            "chat": None,
            "title": shown["title"]["text"],
            "submit": (shown.get("submit") or {}).get("text", "Submit"),
            "fields": [
                {
                    "name": block["block_id"],
                    "label": block["label"]["text"],
                    "type": block["element"]["type"],
                    "required": not block.get("optional", False),
                    "options": looks.options(block["element"]),
                    "value": view.values.get(block["block_id"], _initial(block["element"])),
                    "error": view.errors.get(block["block_id"], ""),
                    "hint": (block.get("hint") or {}).get("text", ""),
                }
                for block in shown["blocks"]
                if block["type"] == "input"
            ],
        }


def _initial(element: Mapping[str, Any]) -> Any:
    chosen = element.get("initial_option") or {}
    given = element.get("initial_value") or element.get("initial_date") or element.get("initial_time")
    return given or chosen.get("value", "")


def _is_hidden(chat: Chat, post: Post) -> bool:
    """A message that is gone leaves a mark only where others answered it."""
    if post.subtype == "assistant_app_thread":
        return True
    return post.deleted and not any(one.thread == post.ts for one in chat.posts.values())


def _file_seen(upload: Upload) -> dict[str, Any]:
    kind = upload.type.partition("/")[0]
    return {
        "kind": kind if kind in ("image", "audio", "video") else "file",
        "name": upload.name,
        "type": upload.type,
        "size": len(upload.data),
        "href": f"/files/{upload.id}",
        "alt": upload.alt,
    }
