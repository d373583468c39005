"""What people press, choose and fill in, and what becomes of it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from channels.sandbox.server import BadAct
from channels.sandbox.slack import looks
from channels.sandbox.slack.blocks import interactive, option_faults
from channels.sandbox.slack.delivery import Answer
from channels.sandbox.slack.where import Where
from channels.sandbox.slack.world import Chat, Person, Post, View

if TYPE_CHECKING:
    from channels.sandbox.slack.sandbox import SlackSandbox

HOME = "home:"
PICKERS = ("datepicker", "timepicker", "datetimepicker")


class Forms:
    def __init__(self, box: SlackSandbox, at: Where) -> None:
        self._box, self._at = box, at

    async def press(self, body: Mapping[str, Any]) -> Any:
        if str(body["chat"]).startswith(HOME):
            return self._press_at_home(body)
        chat, post = self._at.message(body)
        person = self._at.person(body, chat)
        block, element, which = self._element(post.blocks, str(body["id"]))
        self._acted(chat, post, person, block, element, _pressed_as(element, which))
        return {"message": post.ts}

    def _press_at_home(self, body: Mapping[str, Any]) -> Any:
        home = self._box.homes.get(str(body["chat"]).removeprefix(HOME))
        if home is None:
            raise BadAct("the app has published no home tab for them")
        block, element, which = self._element(home.view["blocks"], str(body["id"]))
        person = self._box.people[home.user]
        seen = {"action_id": element.get("action_id", ""), "block_id": block, "action_ts": self._box.ts()}
        payload = self._box.telling.interaction("block_actions", person) | {
            "container": {"type": "view", "view_id": home.id},
            "view": self._box.view_shown(home),
            "actions": [seen | _pressed_as(element, which)],
        }
        self._box.delivery.interaction("block_actions", "interactive", payload, self.pressed)
        return {"view": home.id}

    async def choose(self, body: Mapping[str, Any]) -> Any:
        chat, post = self._at.message(body)
        person = self._at.person(body, chat)
        block, element, _ = self._element(post.blocks, str(body["id"]))
        values = [str(value) for value in body["values"]]
        kind = element["type"]
        action: dict[str, Any] = {"type": kind}
        if kind in PICKERS:
            action |= self._picked(kind, values[0])
        else:
            known = post.suggested.get(str(body["id"]), [])
            chosen = [self._option({"options": known} if known else element, value) for value in values]
            many = kind in ("multi_static_select", "multi_external_select", "checkboxes")
            action |= {"selected_options": chosen} if many else {"selected_option": chosen[0]}
        self._acted(chat, post, person, block, element, action)
        return {"message": post.ts}

    async def suggest(self, body: Mapping[str, Any]) -> Any:
        """What the app answers to what a person types into a list that is searched."""
        chat, post = self._at.message(body)
        person = self._at.person(body, chat)
        block, element, _ = self._element(post.blocks, str(body["id"]))
        if element["type"] not in ("external_select", "multi_external_select"):
            raise BadAct("its options are known already")
        typed = str(body.get("text", ""))
        if len(typed) < int(element.get("min_query_length", 3)):
            return {"options": []}
        payload = self._box.telling.interaction("block_suggestion", person)
        del payload["trigger_id"]
        payload |= {"action_id": element.get("action_id", ""), "block_id": block, "value": typed}
        payload |= {"container": _container(chat, post), "channel": {"id": chat.id, "name": chat.name}}
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        async def take(answer: Answer) -> None:
            answered.set_result(answer)

        self._box.delivery.interaction("block_suggestion", "interactive", payload, take)
        answer = await answered
        given = answer.payload.get("options") or []
        if not answer.ok or option_faults(given):
            self._box.journal.add("refused", "block_suggestion", {"faults": option_faults(given)})
            raise BadAct("We had some trouble connecting. Try again?")
        post.suggested[str(body["id"])] = given
        return {"options": looks.options({"options": given})}

    def _picked(self, kind: str, value: str) -> dict[str, Any]:
        self._checked({"element": {"type": kind}}, value)
        if kind == "datetimepicker":
            return {"selected_date_time": int(datetime.fromisoformat(value).replace(tzinfo=UTC).timestamp())}
        return {"selected_date" if kind == "datepicker" else "selected_time": value}

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
        container = _container(chat, post)
        payload = self._box.telling.interaction("block_actions", person) | {
            "container": container,
            "channel": {"id": chat.id, "name": "directmessage" if chat.kind == "im" else chat.name},
            "response_url": box.new_response_url(chat, person, thread=post.thread, post=post.ts),
            "actions": [seen],
            "state": {"values": {}},
        }
        if not post.to:
            payload["message"] = box.shown(post)
        box.delivery.interaction("block_actions", "interactive", payload, self.pressed)

    async def pressed(self, answer: Answer) -> None:
        if not answer.ok:
            self._box.toast = "We had some trouble connecting. Try again?"
        self._box.journal.touch()

    async def submit(self, body: Mapping[str, Any]) -> Any:
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
        payload = self._box.telling.interaction("view_submission", person)
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

    async def close(self, body: Mapping[str, Any]) -> Any:
        view = self._modal(str(body["id"]))
        stack = self._box.modals[view.user]
        stack.remove(view)
        if view.view.get("notify_on_close"):
            payload = self._box.telling.interaction("view_closed", self._box.people[view.user])
            del payload["trigger_id"]
            payload |= {"view": self._box.view_shown(view), "is_cleared": False}
            self._box.delivery.interaction("view_closed", "interactive", payload)
        return {"view": view.id}

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
            case "datetimepicker" if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d", str(given)):
                raise BadAct("a point in time is YYYY-MM-DDTHH:MM")
            case "file_input" if not all(id in self._box.files for id in given):
                raise BadAct("files are named by the ids that `upload` gives")
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
            case "datetimepicker":
                return {"type": kind} | (self._picked(kind, given) if given else {"selected_date_time": None})
            case "file_input":
                files = [self._box.file_shown(self._box.files[id]) for id in given or ()]
                return {"type": kind, "files": files}
            case "timepicker":
                return {"type": kind, "selected_time": given or element.get("initial_time")}
            case _:
                return {"type": kind, "value": given if given is not None else element.get("initial_value")}

    def _modal(self, id: str) -> View:
        for stack in self._box.modals.values():
            if stack and stack[-1].id == id:
                return stack[-1]
        raise BadAct(f"no modal {id!r} is open")


def _container(chat: Chat, post: Post) -> dict[str, Any]:
    container: dict[str, Any] = {"type": "message", "message_ts": post.ts, "channel_id": chat.id}
    return container | {"is_ephemeral": bool(post.to)} | ({"thread_ts": post.thread} if post.thread else {})


def _pressed_as(element: Mapping[str, Any], which: str) -> dict[str, Any]:
    if element["type"] == "feedback_buttons":
        value = element[which or "positive_button"]
        return {"type": "feedback_buttons", "text": value["text"], "value": value["value"]}
    if element["type"] != "button":
        raise BadAct("that is no button")
    return {"type": "button", "text": element["text"], "value": element.get("value", "")}
