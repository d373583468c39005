"""One of every part, as a shop would say it, and what is too much for most channels."""

from __future__ import annotations

from collections.abc import Mapping

from bot import markup
from bot.model import (
    Card,
    Carousel,
    Choices,
    Field,
    Form,
    Location,
    Media,
    Message,
    Notice,
    Option,
    Rating,
    Raw,
    Source,
    Sources,
    Table,
    Text,
    VCard,
)

WORDS = """# Your order

It is **on its way** to *you*: see [the map](https://shop.example/a?b=c&d).

- a lamp
- two chairs ~~three~~

> Please be there.

```
A-17 <ok> & done
```

Write to @support or `@everyone`."""


def options(*labels: str, first: int = 1) -> tuple[Option, ...]:
    """With tokens as long as the engine's."""
    return tuple([Option(label, f"/set answer={n}", f"{n:022}") for n, label in enumerate(labels, first)])


_LAMP = Card("Desk lamp", "Bends both ways.", "19.90 €", options("Buy"), "https://shop.example/lamp.png")
_CHAIR = Card("Chair", "Folds.", "49.00 €", options("Buy it", "Measure", first=2))
_PHOTO = Media("image", "photo-1", "shoe.jpg", "image/jpeg", 2_000, "The sole is torn.", "a shoe without its sole")

MESSAGES: Mapping[str, Message] = {
    "text": Message((Text(markup.parse(WORDS)),), "en"),
    "long text": Message((Text(markup.parse("\n\n".join(["A sentence that is **said** again. " * 30] * 5))),), "en"),
    "buttons": Message((Choices(options("Yes", "No"), "Is that right?", "buttons"),), "en"),
    "quick replies": Message((Text(markup.parse("Good.")), Choices(options("More", "Enough"), "", "quick")), "en"),
    "many choices": Message((Choices(options(*(f"Size {n}" for n in range(30, 60))), "Which size?", "list"),), "en"),
    "long labels": Message(
        (
            Choices(
                options("The order of last Monday with all of its six chairs and the lamp, if they came at all", "No"),
                "Which?",
            ),
        ),
        "en",
    ),
    "card": Message((_LAMP,), "en"),
    "carousel": Message((Carousel((_LAMP, _CHAIR)),), "en"),
    "table": Message(
        (Table(("Item", "Price"), (("Desk lamp", "19.90 €"), ("Chair | folding", "49.00 €")), "Your order"),), "en"
    ),
    "wide table": Message(
        (Table(("Item", "About it"), (("Desk lamp", "Bends both ways. " * 6), ("Chair", "Folds."))),), "en"
    ),
    "form": Message(
        (
            Form(
                (
                    Field("name", "Your name", hint="As on the parcel"),
                    Field("day", "When?", "date"),
                    Field("size", "Size", "choice", required=False, options=options("S", "M")),
                ),
                "About you",
                "Send",
                "f" * 22,
            ),
        ),
        "en",
    ),
    "rating": Message((Rating("How was it?", 5, options("1", "2", "3", "4", "5")),), "en"),
    "thumbs": Message((Rating("Did it help?", 2, options("👎", "👍")),), "en"),
    "image": Message((_PHOTO,), "en"),
    "image with words and buttons": Message(
        (Text(markup.parse("Is it **this**?")), _PHOTO, Choices(options("Yes"))), "en"
    ),
    "album": Message(
        (_PHOTO, Media("video", "video-1", "walk.mp4", alt="a walk"), _PHOTO, Choices(options("Yes"))), "en"
    ),
    "voice": Message((Media("voice", "voice-1", "v.ogg", transcript="It is broken."),), "en"),
    "file": Message((Media("file", "file-1", "label.pdf", "application/pdf", caption="Print this."),), "en"),
    "location": Message((Location(48.8566, 2.3522, "Our shop"),), "en"),
    "vcard": Message((VCard("Ada", "+33 1 23 45 67 89", "ada@shop.example"),), "en"),
    "sources": Message(
        (Sources((Source("Returns", "Within 30 days."), Source("Fees", "None.", "https://shop.example/fees"))),), "en"
    ),
    "notice": Message((Notice("joined", "Ada joined the conversation."),), "en"),
    "raw": Message((Raw("slack", {"blocks": [{"type": "divider"}]}, "A line."),), "en"),
}
