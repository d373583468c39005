"""A platform that has all that the chat page can draw, and hears all that it can do. It answers nothing by itself."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bot.testing.clock import SettableClock
from channels.sandbox.faults import Faults
from channels.sandbox.journal import Journal
from channels.sandbox.server import BadAct, Sandbox, serving

PICTURE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 200">
<rect width="320" height="200" fill="#c9dfef"/>
<circle cx="250" cy="52" r="26" fill="#f8d776"/><path d="M0 200 110 70l70 80 40-42 100 92z" fill="#5b7f95"/>
<path d="M0 200 60 140l60 60z" fill="#3f6377"/></svg>"""
FIELDS: list[dict[str, Any]] = [
    {"name": "order", "label": "Order number", "type": "text", "required": True, "hint": "As it stands on the parcel"},
    {
        "name": "why",
        "label": "Reason",
        "type": "select",
        "required": True,
        "options": [{"id": "broken", "label": "It is broken"}, {"id": "size", "label": "Wrong size"}],
    },
    {
        "name": "parts",
        "label": "What comes back",
        "type": "checkboxes",
        "options": [{"id": "box", "label": "The box"}, {"id": "shoes", "label": "The shoes"}],
    },
    {"name": "day", "label": "Collect on", "type": "date"},
    {"name": "note", "label": "Anything else", "type": "textarea"},
]


def span(text: str, *marks: str, link: str = "") -> dict[str, Any]:
    return {"text": text, "marks": list(marks), "link": link}


class Showcase(Sandbox):
    def __init__(self, name: str) -> None:
        self.name = name
        self.clock = SettableClock()
        self.journal, self.faults = Journal(self.clock), Faults()
        self.acts: list[tuple[str, dict[str, Any]]] = []
        self.modal: dict[str, Any] | None = None
        self.toast = ""
        self.people = [{"id": "ada", "name": "Ada Moreau"}, {"id": "ben", "name": "Ben Okafor"}]
        self.chats = _chats(name, self)
        self._count = 100

    def at(self, minutes: float) -> str:
        return (self.clock.now() + timedelta(minutes=minutes)).isoformat()

    def routes(self) -> Sequence[BaseRoute]:
        self.loop = asyncio.get_running_loop()
        return [
            Route("/api/{method}", self.call, methods=["GET", "POST"]),
            Route("/files/{name}", self.file),
        ]

    async def call(self, request: Request) -> Response:
        method = request.path_params["method"]
        fault = self.faults.next(method)
        if fault and fault.status:
            self.journal.add("refused", method, {"status": fault.status})
            return JSONResponse({"ok": False}, fault.status)
        self.journal.add("call", method, {"chat": "shop", "text": "On its way"})
        return JSONResponse({"ok": True})

    async def file(self, request: Request) -> Response:
        return Response(PICTURE, media_type="image/svg+xml")

    def chat(self, id: str) -> dict[str, Any]:
        return next(chat for chat in self.chats if chat["id"] == id)

    def says(self, chat: str, text: str, *, by: str = "bot", name: str = "Acme Support", **more: Any) -> str:
        self._count += 1
        self.clock._passed += 7
        message = {"id": str(self._count), "by": by, "name": name, "at": self.at(0), "spans": [span(text)], **more}
        self.chat(chat)["messages"].append(message)
        self.loop.call_soon_threadsafe(self.journal.touch)
        return str(self._count)

    def message(self, chat: str, id: str) -> dict[str, Any]:
        return next(message for message in self.chat(chat)["messages"] if message["id"] == id)

    async def act(self, what: str, body: Mapping[str, Any]) -> Any:
        plain = {name: value[:2] if isinstance(value, tuple) else value for name, value in body.items()}
        self.acts.append((what, plain))
        self.journal.add("person", what, plain)
        who = next((each["name"] for each in self.people if each["id"] == body.get("by")), "Ada Moreau")
        match what:
            case "say":
                if body["text"] == "boom":
                    raise BadAct("this chat is read-only; join it first")
                return {"message": self.says(body["chat"], body["text"], by="person", name=who)}
            case "edit":
                self.message(body["chat"], body["message"]).update(spans=[span(body["text"])], edited=True)
            case "delete":
                self.message(body["chat"], body["message"])["deleted"] = True
            case "react":
                reactions = self.message(body["chat"], body["message"]).setdefault("reactions", [])
                reactions.append({"emoji": body["emoji"], "count": 1})
            case "press" if body["id"] == "form":
                form = {"id": "m1", "chat": body["chat"], "title": "Return an item", "submit": "Send"}
                self.modal = {**form, "fields": [dict(field) for field in FIELDS]}
            case "press" if body["id"] == "stale":
                self.toast = "This button is no longer valid."
            case "submit" if self.modal is not None and not body["values"]["order"].startswith("A-"):
                self.modal["fields"][0]["error"] = "An order number begins with A-"
            case "submit" | "close":
                self.modal = None
            case "member":
                self.chat(body["chat"])["blocked"] = body["what"] == "block"
            case "person":
                self.people.append({"id": body["name"].lower(), "name": body["name"]})
            case "chat":
                self.chats.append({"id": body["title"], "title": body["title"], "kind": body["kind"], "messages": []})
                return {"chat": body["title"]}
            case _:
                pass
        self.journal.touch()
        return {}

    def seen(self) -> Any:
        return {
            "platform": self.name,
            "bots": [{"id": "bot", "name": "Acme Support"}],
            "people": self.people,
            "chats": self.chats,
            "modal": self.modal,
            "toast": self.toast,
        }

    def told(self) -> Mapping[str, str]:
        return {"Token": "42:TEST", "Base address": "{address}/api/", "snippet": "client = Client('{address}')"}

    async def close(self) -> None:
        return None


def _chats(name: str, at: Showcase) -> list[dict[str, Any]]:
    bot = {"by": "bot", "name": "Acme Support"}
    me = {"by": "person", "name": "Ada Moreau"}
    talk: list[dict[str, Any]] = [
        {"id": "1", **me, "at": at.at(-30), "spans": [span("Hello! Where is my order A-1043?")]},
        {
            "id": "2",
            **bot,
            "at": at.at(-29),
            "reply_to": "1",
            "spans": [
                span("Good morning Ada, your order "),
                span("A-1043", "bold"),
                span(" left our depot "),
                span("yesterday", "italic"),
                span(". Follow it "),
                span("here", link="https://parcel.example/A-1043"),
                span(", or give the driver this code: "),
                span("7731", "code"),
                span(". The gift is "),
                span("a red scarf", "spoiler"),
                span("."),
            ],
            "reactions": [{"emoji": "👍", "count": 2}],
        },
        {
            "id": "3",
            **bot,
            "at": at.at(-28),
            "spans": [],
            "cards": [
                {
                    "title": "Order A-1043",
                    "body": "Two items, paid by card. Arrives tomorrow between 9 and 12.",
                    "image": "/files/parcel.svg",
                    "fields": [{"name": "State", "value": "On its way"}, {"name": "Total", "value": "48.00 €"}],
                    "color": "#2f9e6b",
                }
            ],
            "rows": [
                [
                    {
                        "kind": "button",
                        "id": "track",
                        "label": "Track it",
                        "style": "primary",
                        "link": "",
                        "disabled": False,
                    },
                    {
                        "kind": "button",
                        "id": "form",
                        "label": "Return an item",
                        "style": "",
                        "link": "",
                        "disabled": False,
                    },
                ],
                [
                    {
                        "kind": "button",
                        "id": "stale",
                        "label": "Cancel",
                        "style": "danger",
                        "link": "",
                        "disabled": False,
                    },
                    {
                        "kind": "button",
                        "id": "",
                        "label": "Shop",
                        "style": "",
                        "link": "https://shop.example",
                        "disabled": False,
                    },
                    {"kind": "button", "id": "old", "label": "Used", "style": "", "link": "", "disabled": True},
                ],
            ],
        },
        {"id": "4", **me, "at": at.at(-12), "spans": [span("And what did we pay for shipping?")], "edited": True},
        {
            "id": "5",
            **bot,
            "at": at.at(-11),
            "spans": [span("Here is everything:")],
            "table": {
                "columns": ["Item", "Count", "Price"],
                "rows": [["Boots, size 42", "1", "39.00 €"], ["Scarf, red", "1", "5.00 €"], ["Shipping", "", "4.00 €"]],
            },
        },
        {"id": "6", **me, "at": at.at(-10), "spans": [], "deleted": True},
        {
            "id": "7",
            **bot,
            "at": at.at(-9),
            "spans": [
                span("You asked:\n"),
                span("can I still change the address?", "quote"),
                span("\nYes. "),
                span("@Ada", "mention"),
                span(" please "),
                span("do not", "underline"),
                span(" write to the "),
                span("old", "strike"),
                span(" one. For your program:\n"),
                span('POST /orders/A-1043\n{"address": "…"}', "fence"),
            ],
            "files": [
                {
                    "kind": "image",
                    "name": "parcel.svg",
                    "type": "image/svg+xml",
                    "size": 512,
                    "href": "/files/parcel.svg",
                    "alt": "A parcel before mountains",
                },
                {
                    "kind": "file",
                    "name": "invoice.pdf",
                    "type": "application/pdf",
                    "size": 48_211,
                    "href": "/files/x",
                    "alt": "",
                },
            ],
        },
        {
            "id": "8",
            **bot,
            "at": at.at(-8),
            "spans": [],
            "location": {"latitude": 48.8566, "longitude": 2.3522, "label": "Our shop"},
        },
        {
            "id": "9",
            **bot,
            "at": at.at(-8),
            "spans": [],
            "contact": {"name": "Mara Lind", "phone": "+33 1 23 45 67 89"},
        },
        {"id": "10", "by": "system", "name": "", "at": at.at(-7), "spans": [span("Mara joined the conversation")]},
        {
            "id": "11",
            **bot,
            "at": at.at(-6),
            "spans": [span("Which of these would you like to send back?")],
            "rows": [
                [
                    {
                        "kind": "select",
                        "id": "item",
                        "placeholder": "Choose an item",
                        "many": False,
                        "options": [{"id": "boots", "label": "Boots"}, {"id": "scarf", "label": "Scarf"}],
                    }
                ],
                [
                    {
                        "kind": "select",
                        "id": "items",
                        "placeholder": "Choose several",
                        "many": True,
                        "options": [{"id": "boots", "label": "Boots"}, {"id": "scarf", "label": "Scarf"}],
                    }
                ],
            ],
        },
        {
            "id": "12",
            **bot,
            "at": at.at(-5),
            "spans": [span("Only you need to know: your balance is 12.00 €.")],
            "ephemeral": True,
            "to": "ada",
        },
        {"id": "13", **bot, "at": at.at(-5), "spans": [span("This is for Ben.")], "ephemeral": True, "to": "ben"},
        {
            "id": "14",
            **bot,
            "at": at.at(-1),
            "spans": [span("One moment, I am looking at the tariffs of")],
            "draft": True,
        },
    ]
    can = ["say", "upload", "edit", "delete", "react", "block", "voice", "location", "contact", "reply", "thread"]
    grouped = name in ("slack", "discord")
    shop = {
        "id": "shop",
        "title": "Acme Support" if not grouped else "support",
        "kind": "channel" if grouped else "private",
        "parent": None,
        "blocked": False,
        "typing": "Acme Support is typing…",
        "messages": talk,
        "keyboard": [
            [{"label": "Where is it?", "ask": ""}, {"label": "Talk to a person", "ask": ""}],
            [{"label": "Share my number", "ask": "contact"}],
        ]
        if name == "telegram"
        else None,
        "commands": [
            {"name": "start", "about": "Begin anew"},
            {"name": "order", "about": "Where an order is"},
            {"name": "help", "about": "What I can do"},
        ],
        "can": can,
    }
    plain = {"blocked": False, "typing": "", "keyboard": None, "commands": [], "can": can}
    return [
        shop,
        {
            "id": "t1",
            "title": "Return of A-1017",
            "kind": "thread" if grouped else "topic",
            "parent": "shop",
            **plain,
            "messages": [{"id": "20", **bot, "at": at.at(-50), "spans": [span("It came back, thank you.")]}],
        },
        {
            "id": "group",
            "title": "lunch" if grouped else "Lunch",
            "kind": "channel" if grouped else "group",
            "parent": None,
            **plain,
            "messages": [
                {"id": "30", "by": "person", "name": "Ben Okafor", "at": at.at(-90), "spans": [span("Soup today?")]},
                {"id": "31", "by": "person", "name": "Ada Moreau", "at": at.at(-89), "spans": [span("Yes!")]},
            ],
        },
        {
            "id": "dm",
            "title": "Acme Support" if grouped else "Newsletter bot",
            "kind": "private",
            "parent": None,
            **plain,
            "blocked": name == "telegram",
            "messages": [{"id": "40", **bot, "at": at.at(-300), "spans": [span("Ten new boots for you.")]}],
        },
    ]


@contextmanager
def served(sandbox: Sandbox, port: int = 0) -> Iterator[str]:
    """In a thread with a loop of its own, beside a browser that is driven without one."""
    ready, loop = threading.Event(), asyncio.new_event_loop()
    address = ""

    async def run(ended: asyncio.Event) -> None:
        nonlocal address
        async with serving(sandbox, port=port) as address:
            ready.set()
            await ended.wait()

    ended = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(run(ended)))
    thread.start()
    try:
        assert ready.wait(20), "the sandbox did not start"
        yield address
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(20)
        loop.close()
