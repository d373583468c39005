"""What a message looks like on Discord (CHANNELS.md 7, DC9 and DC12), through discord.py as it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from bot import markup
from bot.errors import FileGone, StoreDown, TooLarge, TryLater, Unshowable
from bot.files import pieces_of
from bot.fit import fit
from bot.model import (
    Address,
    Card,
    Carousel,
    Choices,
    Field,
    Form,
    Media,
    Message,
    Option,
    Raw,
    Said,
    Text,
    text,
    written,
)
from bot.testing.files import MemoryFiles
from channels.discord.checked import checked
from channels.discord.components import modal
from channels.discord.render import body
from channels.sandbox.faults import Do, Rule
from tests.channels.discord.room import Room, room

GIF = b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"
PDF = b"%PDF-1.4 a label"
IMAGE = "https://shop.example/{}.png"


def token(number: int) -> str:
    return f"{number:022}"


def card(number: int, *labels: str, image: str = "", body: str = "About it.") -> Card:
    options = tuple(Option(label, f"/{label}", token(100 * number + at)) for at, label in enumerate(labels))
    return Card(f"Shoe {number}", body, f"{number} €", options, image or IMAGE.format(number))


async def kept(here: Room, content: bytes, **named: Any) -> Media:
    file = await here.harness.files.keep(pieces_of(content), most=1 << 30)
    return msgspec.structs.replace(Media("file", file.ref, type=file.type, size=file.size), **named)


def words(shown: Any) -> str:
    return shown if isinstance(shown, str) else "".join(span["text"] for span in shown)


# Files of ours


async def test_dc12_files_of_ours_go_out_with_what_is_to_be_seen_on_them() -> None:
    async with room() as here:
        picture = await kept(here, GIF, kind="image", name="a shoe.gif", alt="a torn sole")
        label = await kept(here, PDF, name="label.pdf", caption="Print this.")
        await here.send(Message((*text("Look.").parts, picture, label)))
        [shown] = here.messages()
        files = list(here.sandbox.world.files())

        assert words(shown["spans"]) == "Look.\n\nPrint this."
        assert [(one["kind"], one["name"], one["alt"]) for one in shown["files"]] == [
            ("image", "a_shoe.gif", "a torn sole"),
            ("file", "label.pdf", ""),
        ]
        assert [file.content for file in files] == [GIF, PDF]


async def test_dc12_files_of_one_name_are_told_apart() -> None:
    async with room() as here:
        media = [await kept(here, GIF + bytes([at]), kind="image", name="shoe.gif") for at in range(3)]
        await here.send(Message(tuple(media)))

        assert [file.name for file in here.sandbox.world.files()] == ["shoe.gif", "shoe-2.gif", "shoe-3.gif"]


async def test_dc12_a_file_answers_a_command() -> None:
    commands = {"label": {"about": "Your label"}}
    async with room(commands=commands) as here:
        await here.act("command", chat=here.harness.direct, name="label")
        [arrival] = await here.hears(1)
        await here.until(lambda: here.messages()[-1]["draft"], "is thinking")
        await here.send(Message((await kept(here, PDF, name="label.pdf", caption="Here it is."),)), "k", arrival.to)

        assert here.said() == ["Here it is."]
        assert [one["name"] for one in here.messages()[-1]["files"]] == ["label.pdf"]


async def test_dc12_a_repeat_of_files_is_the_same_message() -> None:
    async with room() as here:
        message = Message((await kept(here, PDF, name="label.pdf"),))
        here.sandbox.faults.script([Rule(on="create_message", nth=1, do=Do(status=502))])
        receipts = [await here.send(message, "k"), await here.send(message, "k")]

        assert receipts[0].refs == receipts[1].refs
        assert [file.content for file in here.sandbox.world.files()][:1] == [PDF]
        assert len(here.messages()) == 1


@pytest.mark.parametrize("told", [True, False], ids=["told", "found out"])
async def test_dc12_more_bytes_than_the_server_takes_are_refused_before_the_call(told: bool) -> None:
    async with room() as here:
        file = await kept(here, bytes(10 * 1024 * 1024 + 1), name="film.bin")
        with pytest.raises(TooLarge) as raised:
            await here.send(Message((Media("file", file.ref, "film.bin", size=file.size if told else 0),)))

        assert raised.value.most == 10 * 1024 * 1024
        assert here.messages() == []


async def test_dc12_a_boosted_server_takes_larger_files_also_in_the_next_process() -> None:
    async with room() as here:
        here.channel.hearing.known.learn("GUILD_CREATE", b'{"id":"1","premium_tier":3,"channels":[{"id":"77"}]}')
        await here.bench.stop()
        await here.bench.start()  # which resumes, and is not told again
        files = [here.channel.capabilities(Address("discord", "shop", chat)).files for chat in ("77", "78")]

        assert [file.bytes_out >> 20 for file in files if file] == [100, 10]


async def test_dc12_a_file_that_is_gone_is_told_by_name() -> None:
    async with room() as here:
        with pytest.raises(FileGone):
            await here.send(Message((Media("file", "kept:" + "0" * 64, "label.pdf"),)))


class Down(MemoryFiles):
    def open(self, ref: str, *, start: int = 0) -> AsyncIterator[bytes]:
        raise StoreDown("the folder of files cannot be used")


async def test_dc12_a_file_that_cannot_be_read_now_goes_out_later() -> None:
    async with room() as here:
        await here.bench.stop()
        here.harness.files = Down()
        await here.bench.start()
        with pytest.raises(TryLater, match="cannot be read now"):
            await here.send(Message((Media("file", "kept:" + "0" * 64, "label.pdf"),)))


# Cards


async def test_dc9_a_carousel_is_a_frame_for_each_card_with_its_picture_and_buttons() -> None:
    async with room() as here:
        ours = await kept(here, GIF, kind="image")
        cards = (card(1, "Buy"), card(2, *(f"Size {size}" for size in range(36, 44)), image=ours.ref))
        await here.send(Message((*text("Have a look:").parts, Carousel(cards))))
        [shown] = here.messages()
        [first, second] = shown["cards"]

        assert words(shown["spans"]) == "Have a look:"
        assert [words(each["body"]) for each in shown["cards"]] == [f"Shoe {n}\n\nAbout it.\n{n} €" for n in (1, 2)]
        assert [each["files"][0]["alt"] for each in shown["cards"]] == ["Shoe 1", "Shoe 2"]
        assert first["files"][0]["href"] == IMAGE.format(1)
        assert second["files"][0]["href"].startswith("/attachments/")
        assert [(one["kind"], one.get("label")) for one in first["rows"][0]] == [("button", "Buy")]
        assert len(second["rows"][0][0]["options"]) == 8


async def test_dc9_what_was_chosen_on_a_card_is_seen_and_nothing_else_can_be() -> None:
    async with room() as here:
        receipt = await here.send(Message((Carousel((card(1, "Buy", "Measure"), card(2, "Buy"))),)))
        await here.act("press", message=receipt.refs[0], id=token(101))
        await here.until(lambda: here.messages()[-1]["cards"][1]["rows"][0][0]["disabled"], "that it is used")
        buttons = [one for each in here.messages()[-1]["cards"] for one in each["rows"][0]]

        assert [(one["style"], one["disabled"]) for one in buttons] == [
            ("secondary", True),
            ("primary", True),
            ("secondary", True),
        ]
        assert (await here.heard()).label == "Measure"  # type: ignore[union-attr]
        assert here.unanswered == []


async def test_dc9_every_carousel_that_fits_goes_out_in_one_call_a_page() -> None:
    async with room() as here:
        cards = tuple(card(n, *(f"Size {s}" for s in range(25)), body="About *it*. " * 50) for n in range(1, 12))
        message = Message(
            (*text("# A head").parts, Carousel(cards), Choices((Option("None", "/none", token(1)),), "Or?"))
        )
        for at, piece in enumerate(fit(message, here.channel.capabilities(here.direct)).pieces):
            await here.send(piece, f"k{at}")

        assert here.entries("refused", "create_message") == []
        assert sum(len(one["cards"]) for one in here.messages()) == 11


async def test_dc9_where_components_are_refused_cards_are_embeds() -> None:
    async with room() as here:
        here.sandbox.faults.script([Rule(on="create_message", nth=1, do=Do(status=400, error="50035"))])
        await here.send(Message((Carousel((card(1, "Buy"), card(2, "Buy"))),)))
        [shown] = here.messages()

        assert [(each["title"], words(each["body"]), each["image"]) for each in shown["cards"]] == [
            ("Shoe 1", "About it.", IMAGE.format(1)),
            ("Shoe 2", "About it.", IMAGE.format(2)),
        ]
        assert [one["label"] for row in shown["rows"] for one in row] == ["Buy", "Buy"]


async def test_dc9_a_message_in_components_stays_one_when_it_is_rewritten() -> None:
    async with room() as here:
        receipt = await here.send(Message((Carousel((card(1), card(2))),)))
        await here.channel.edit(here.direct, receipt.refs[0], text("Sold out."), key="e")

        assert here.said() == ["Sold out."]
        assert here.messages()[0]["cards"] == []


async def test_dc9_a_draft_may_settle_as_a_carousel() -> None:
    async with room() as here:
        draft = await here.channel.show(here.direct, "Here is", key="d", shown=None)
        message = Message((*text("Here is what we have:").parts, Carousel((card(1, "Buy"), card(2)))))
        receipt = await here.channel.send(here.direct, message, key="k", shown=draft)

        assert receipt.refs == (draft.ref,)
        assert here.said() == ["Here is what we have:"]
        assert len(here.messages()[0]["cards"]) == 2


async def test_dc9_the_picture_of_a_card_may_be_ours() -> None:
    async with room() as here:
        ours = await kept(here, GIF, kind="image")
        await here.send(Message((card(1, "Buy", image=ours.ref),)))
        [shown] = here.messages()

        assert shown["cards"][0]["image"].startswith("/attachments/")
        assert shown["files"] == []


# Of a flow's own making


LAID_OUT = {
    "flags": 1 << 15,
    "components": [
        {
            "type": 17,
            "accent_color": 0x3366FF,
            "components": [
                {
                    "type": 9,
                    "components": [{"type": 10, "content": "**Mara** is on her way"}],
                    "accessory": {"type": 11, "media": {"url": IMAGE.format("mara")}, "description": "Mara"},
                },
                {"type": 14},
                {"type": 1, "components": [{"type": 5, "custom_id": "who", "max_values": 2, "placeholder": "Who?"}]},
            ],
        }
    ],
}


async def test_dc9_a_flow_may_lay_out_a_message_itself() -> None:
    async with room() as here:
        await here.send(Message((Raw("discord", LAID_OUT, "Mara is on her way."),)))
        [frame] = here.messages()[0]["cards"]

        assert words(frame["body"]) == "Mara is on her way"
        assert (frame["color"], frame["files"][0]["alt"]) == ("#3366ff", "Mara")
        assert frame["rows"][0][0]["placeholder"] == "Who?"


async def test_dc9_people_that_are_chosen_are_an_answer() -> None:
    async with room() as here:
        receipt = await here.send(Message((Raw("discord", LAID_OUT, "Who?"),)))
        bob = (await here.act("person", name="Bob"))["person"]
        chosen = [str(here.sandbox.world.owner.id), bob]
        await here.act("choose", message=receipt.refs[0], id="who", values=chosen)
        said = await here.heard()
        await here.until(lambda: here.messages()[0]["cards"][0]["rows"][0][0]["disabled"], "that it is used")

        assert isinstance(said, Said)
        assert written(said.message) == "@Ada, @Bob"
        assert here.unanswered == []


@pytest.mark.parametrize(
    "payload",
    [
        {"flags": 1 << 15, "components": [{"type": 10, "content": "x" * 4001}]},
        {"flags": 1 << 15, "components": [{"type": 10, "content": "x"}] * 41},
        {"flags": 1 << 15, "content": "x", "components": [{"type": 10, "content": "x"}]},
        {"components": [{"type": 1, "components": [{"type": 2, "style": 1, "label": "x" * 81, "custom_id": "a"}]}]},
        {"components": [{"type": 1, "components": [{"type": 2, "style": 1, "label": "x", "custom_id": "a" * 101}]}]},
        {"components": [{"type": 1, "components": [{"type": 2, "style": 1, "label": "x", "custom_id": "a"}] * 2}]},
        {"components": [{"type": 1, "components": [{"type": 3, "custom_id": "a", "options": [{}] * 26}]}]},
        {"components": [{"type": 1, "components": []}]},
        {"components": [{"type": 1, "components": 7}]},
        {"components": 7},
        {"embeds": [{"description": "x" * 4000}, {"description": "x" * 2001}]},
        {"embeds": [{"title": "x"}] * 11},
        {"content": "x" * 2001},
        {"attachments": [{"id": at, "filename": "x"} for at in range(11)]},
    ],
    ids=lambda payload: next(iter(payload)),
)
def test_dc9_what_discord_would_refuse_is_found_before_the_call(payload: Any) -> None:
    with pytest.raises(Unshowable):
        checked(payload)


def test_dc9_what_a_flow_laid_out_wrongly_is_shown_in_its_plain_words() -> None:
    """The outbox says what is `Unshowable` once more in characters alone."""
    with pytest.raises(Unshowable, match="shape"):
        body(Message((Raw("discord", {"components": [{"type": 1, "components": [7]}]}, "Plain."),)))


# Replies


async def test_an_answer_points_to_what_it_answers() -> None:
    async with room() as here:
        asked = await here.say("where is it?")
        await here.channel.send(here.direct, text("On its way."), key="k", reply_to=asked)

        assert [one["reply_to"] for one in here.messages()] == [None, asked]
        assert here.messages()[-1]["pings"] == []


@pytest.mark.parametrize("gone", ["1434830000000000101", "interaction.1434830000000000303"])
async def test_what_is_answered_may_be_gone(gone: str) -> None:
    async with room() as here:
        await here.channel.send(here.direct, text("On its way."), key="k", reply_to=gone)

        assert here.said() == ["On its way."]
        assert here.messages()[-1]["reply_to"] is None


@pytest.mark.parametrize(
    "refusal",
    [Do(status=403, error="160002"), Do(status=400, error="50035")],
    ids=["no right to read", "no such reply"],
)
async def test_what_may_not_be_pointed_to_is_answered_all_the_same(refusal: Do) -> None:
    async with room() as here:
        asked = await here.say("where is it?")
        here.sandbox.faults.script([Rule(on="create_message", nth=1, do=refusal)])
        await here.channel.send(here.direct, text("On its way."), key="k", reply_to=asked)

        assert here.said() == ["On its way."]
        assert here.messages()[-1]["reply_to"] is None


# Windows


SIZES = tuple(Option(size, size.lower()) for size in ("S", "M", "L"))


def test_dc9_each_field_is_what_it_is_answered_best_with() -> None:
    form = Form(
        (
            Field("size", "Size", "choice", options=SIZES, value="m"),
            Field("town", "Town", "choice", options=tuple(Option(f"Town {n}", f"t{n}") for n in range(20))),
            Field("street", "Street", "choice", options=tuple(Option(f"Street {n}", f"s{n}") for n in range(26))),
            Field("sure", "Sure?", "yes_no"),
            Field("news", "Newsletter", "yes_no", required=False, value="true"),
        ),
        token=token(1),
    )
    window = modal(form, form.fields, {}, {}, ("Oui", "Non"))
    fields = [one["component"] for one in window["components"]]

    assert [one["type"] for one in fields] == [21, 3, 4, 21, 23]
    assert [one.get("default") for one in fields[0]["options"]] == [None, True, None]
    assert [(one["label"], one["value"]) for one in fields[3]["options"]] == [("Oui", "true"), ("Non", "false")]
    assert fields[4]["default"] is True


@pytest.mark.parametrize(
    ("form", "language", "label"),
    [
        (Form((Field("size", "Size"),), token=token(1)), "de-AT", "Ausfüllen"),
        (Form((Field("size", "Size"),), token=token(1)), "", "Fill in"),
        (Form((Field("size", "Size"),), submit="Tell us", token=token(1)), "de", "Tell us"),
    ],
    ids=["German", "no language", "its own"],
)
def test_dc9_the_button_of_a_window_says_what_it_is_for(form: Form, language: str, label: str) -> None:
    shown, _ = body(Message((form,), language))

    assert shown["components"][0]["components"][0]["label"] == label


def test_dc9_the_only_answer_is_a_list_of_one() -> None:
    form = Form((Field("size", "Size", "choice", options=SIZES[:1], required=False),), token=token(1))
    [shown] = modal(form, form.fields, {}, {}, ("Yes", "No"))["components"]

    assert (shown["component"]["type"], shown["component"]["min_values"]) == (3, 0)


def test_dc9_a_text_keeps_its_words_in_both_layouts() -> None:
    message = Message((Text(markup.parse("**Hello**")), Carousel((card(1),))))
    shown, embeds = body(message)[0], body(message, look="embeds")[0]

    assert shown["components"][0]["content"] == embeds["content"] == "**Hello**"
