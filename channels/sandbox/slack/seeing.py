"""What people see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from channels.sandbox.slack import looks
from channels.sandbox.slack.forms import HOME
from channels.sandbox.slack.world import Chat, Post, Upload, View

if TYPE_CHECKING:
    from channels.sandbox.slack.sandbox import SlackSandbox

_SEEN_AS = {"im": "private", "mpim": "group", "channel": "channel", "group": "channel"}
_COMMANDS = (("help", "Ask for help"),)


class Seeing:
    def __init__(self, box: SlackSandbox) -> None:
        self._box = box

    def seen(self) -> Any:
        box = self._box
        stack = next((stack for stack in box.modals.values() if stack), [])
        return {
            "platform": "slack",
            "bots": [{"id": one.id, "name": one.name} for one in box.people.values() if one.is_bot],
            "people": [{"id": one.id, "name": one.name} for one in box.people.values() if not one.is_bot],
            "absent": not box.delivery.has_met,
            "chats": [
                *(shown for chat in box.chats.values() for shown in self._chats(chat)),
                *map(self._home_seen, box.homes.values()),
            ],
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
            "cards": [] if post.deleted else [*looks.cards(post.blocks), *self._unfurled(post)],
            "table": None if post.deleted else looks.table(post.blocks),
            "location": None,
            "contact": None,
            "rows": [] if post.deleted else looks.rows(post.blocks),
            "pings": looks.pinged(post.text, post.blocks),
            "replies": sum(one.thread == post.ts and not one.deleted for one in chat.posts.values()),
        }

    def _unfurled(self, post: Post) -> list[dict[str, Any]]:
        return [looks.unfurled(blocks, self._box.name_of) for blocks in post.unfurled.values()]

    def _home_seen(self, home: View) -> dict[str, Any]:
        """The home tab as a chat in which nothing can be said."""
        blocks, bot = home.view["blocks"], self._box.people[self._box.teams[home.team].bot]
        message = {
            "id": home.id,
            "by": "bot",
            "name": bot.name,
            "at": self._box.clock.now().isoformat(),
            "spans": looks.said("", blocks, False, self._box.name_of),
            "rows": looks.rows(blocks),
        }
        empty: dict[str, Any] = {"edited": False, "deleted": False, "draft": False, "ephemeral": False, "replies": 0}
        empty |= {"files": [], "reactions": [], "cards": looks.cards(blocks), "table": None, "pings": []}
        return {
            "id": f"{HOME}{home.user}",
            "title": "Home",
            "kind": "home",
            "parent": None,
            "blocked": False,
            "typing": "",
            "messages": [empty | message],
            "keyboard": None,
            "commands": [],
            "can": [],
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
                    "type": _field_type(block["element"]),
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


_FIELD_TYPES = {
    "datepicker": "date",
    "timepicker": "time",
    "datetimepicker": "datetime",
    "number_input": "number",
    "email_text_input": "email",
    "url_text_input": "url",
    "file_input": "file",
    "radio_buttons": "radio",
    "static_select": "select",
    "multi_static_select": "checkboxes",
}


def _field_type(element: Mapping[str, Any]) -> str:
    """As the page draws it."""
    if element["type"] == "plain_text_input":
        return "paragraph" if element.get("multiline") else "text"
    return _FIELD_TYPES.get(element["type"], str(element["type"]))


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
