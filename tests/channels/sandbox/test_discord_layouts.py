"""Components v2 and every kind of field, as discord.py 2.7.1 writes and reads them, against the sandbox."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import aiohttp
import discord
import pytest
from discord import ui

from channels.sandbox.server import BadAct
from tests.channels.sandbox.test_discord import Desk, asked, bot_at, sandbox_at_work, view

GIF = b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"


class Shop(ui.LayoutView):
    """One of everything that a message can be laid out with."""

    def __init__(self) -> None:
        super().__init__(timeout=None)
        gallery: ui.MediaGallery[Any] = ui.MediaGallery(
            discord.MediaGalleryItem("attachment://shoe.gif", description="a shoe")
        )
        row: ui.ActionRow[Any] = ui.ActionRow(ui.Button(label="Buy", custom_id="buy"))
        thumbnail: ui.Thumbnail[Any] = ui.Thumbnail("https://shop.example/mara.png", description="Mara")
        section: ui.Section[Any] = ui.Section("**Mara** sells it", accessory=thumbnail)
        self.add_item(ui.TextDisplay("Look:"))
        self.add_item(
            ui.Container(ui.TextDisplay("### Shoe"), gallery, ui.Separator(), section, row, accent_colour=0x3366FF)
        )
        self.add_item(ui.File("attachment://label.pdf"))


def files(*names: str) -> list[discord.File]:
    return [discord.File(io.BytesIO(GIF), name) for name in names]


async def shown(desk: Desk, bot: Any, **named: Any) -> discord.Message:
    channel = await bot.fetch_channel(int(desk.chat))
    message: discord.Message = await channel.send(**named)
    return message


async def test_a_layout_is_drawn_and_read_back() -> None:
    async with sandbox_at_work() as desk, bot_at(desk) as bot:
        message = await shown(desk, bot, view=Shop(), files=files("shoe.gif", "label.pdf"))
        drawn = desk.last()
        [frame] = drawn["cards"]
        read: Any = message.components[1]

        assert [span["text"] for span in drawn["spans"]] == ["Look:"]
        assert [(one["kind"], one["name"]) for one in drawn["files"]] == [("file", "label.pdf")]
        assert [one["alt"] for one in frame["files"]] == ["a shoe", "Mara"]
        assert (frame["color"], frame["rows"][0][0]["label"]) == ("#3366ff", "Buy")
        assert read.children[1].items[0].media.url.endswith("/shoe.gif")
        assert drawn["rows"] == []


async def test_what_names_a_file_that_did_not_come_is_refused() -> None:
    async with sandbox_at_work() as desk, bot_at(desk) as bot:
        with pytest.raises(discord.HTTPException, match="referenced attachment"):
            await shown(desk, bot, view=Shop(), files=files("shoe.gif"))

        assert desk.messages() == []


async def test_a_layout_takes_no_words_beside_it_not_even_later() -> None:
    async with sandbox_at_work() as desk, bot_at(desk) as bot:
        message = await shown(desk, bot, view=Shop(), files=files("shoe.gif", "label.pdf"))
        with pytest.raises(discord.HTTPException, match="'content' field cannot be used"):
            await message.edit(content="words")


async def test_people_and_places_are_chosen_with_what_they_stand_for() -> None:
    async with sandbox_at_work() as desk, bot_at(desk) as bot:
        chosen = dict[str, list[str]]()

        async def pressed(interaction: discord.Interaction) -> None:
            resolved: Any = interaction.data["resolved"]  # type: ignore[index,typeddict-item]
            for kind in ("users", "roles"):
                chosen[kind] = [each.get("global_name") or each["name"] for each in resolved[kind].values()]
            await interaction.response.edit_message(content="done", view=None)

        bot.pressed = pressed
        selects: ui.View = ui.View()
        selects.add_item(ui.MentionableSelect(custom_id="who", max_values=2))
        selects.add_item(ui.ChannelSelect(custom_id="where"))
        message = await asked(desk, bot, selects)
        offered = [[one["label"] for one in row[0]["options"]] for row in desk.last()["rows"]]
        owner, role = str(desk.sandbox.world.owner.id), str(desk.sandbox.world.bot_role)
        with pytest.raises(BadAct, match="choose 1 to 2"):
            await desk.act("choose", message=message, id="who", values=["1"])
        await desk.act("choose", message=message, id="who", values=[owner, role])
        await desk.until(lambda: "roles" in chosen)

        assert offered == [["Frontdesk", "Ada", "@Frontdesk"], ["#general", "#support", "#questions"]]
        assert chosen == {"users": ["Ada"], "roles": ["Frontdesk"]}


class Return(ui.Modal, title="Return"):
    size: Any = ui.Label(
        text="Size",
        component=ui.RadioGroup(options=[discord.RadioGroupOption(label=one, value=one.lower()) for one in "SM"]),
    )
    wrong: Any = ui.Label(
        text="What is wrong?",
        component=ui.CheckboxGroup(
            options=[discord.CheckboxGroupOption(label=one, value=one.lower()) for one in ("Torn", "Late")]
        ),
    )
    news: Any = ui.Label(text="Newsletter", component=ui.Checkbox(default=True))
    photo: Any = ui.Label(text="A photo", component=ui.FileUpload(required=False))
    seller: Any = ui.Label(text="Who sold it?", component=ui.UserSelect())

    async def on_submit(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_message("thanks")


async def test_every_field_of_a_window_is_filled_and_read() -> None:
    async with sandbox_at_work() as desk, bot_at(desk) as bot:
        window, is_open = Return(), False

        async def pressed(interaction: discord.Interaction) -> None:
            nonlocal is_open
            if interaction.type is discord.InteractionType.component:
                await interaction.response.send_modal(window)
                is_open = True

        bot.pressed = pressed
        message = await asked(desk, bot, view("Fill in"))
        await desk.act("press", message=message, id="0")
        await desk.until(lambda: is_open)
        fields = desk.sandbox.seen()["modal"]["fields"]
        names = [one["name"] for one in fields]
        owner = str(desk.sandbox.world.owner.id)
        wrong = await desk.act("submit", values=dict(zip(names, ("xl", ["torn"], True, "", [owner]), strict=True)))
        values = json.dumps(dict(zip(names, ("m", ["torn", "late"], False, "", [owner]), strict=True)))
        await desk.act("submit", values=values, **{f"file.{names[3]}": ("sole.gif", "image/gif", GIF)})
        await desk.until(lambda: desk.last()["spans"][0]["text"] == "thanks")
        attachment = window.photo.component.values[0]

        assert [one["type"] for one in fields] == ["radio", "multi_choice", "checkbox", "file", "choice"]
        assert (fields[2]["value"], [one["label"] for one in fields[4]["options"]]) == (True, ["Frontdesk", "Ada"])
        assert wrong["errors"] == {names[0]: "Choose from the list."}
        assert window.size.component.value == "m"
        assert window.wrong.component.values == ["torn", "late"]
        assert window.news.component.value is False
        assert [one.display_name for one in window.seller.component.values] == ["Ada"]
        assert (attachment.filename, await attachment.read()) == ("sole.gif", GIF)


# What stands around it


async def test_the_page_knows_that_no_bot_has_come_yet() -> None:
    async with sandbox_at_work() as desk:
        before = desk.sandbox.seen()["absent"]
        async with bot_at(desk):
            pass

        assert (before, desk.sandbox.seen()["absent"]) == (True, False)


async def test_without_its_package_zstd_is_refused_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library asks for it only where it has one itself; without, it takes zlib."""
    for name in ("zstandard", "compression", "compression.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    async with sandbox_at_work() as desk, aiohttp.ClientSession() as client:
        address = desk.base.replace("http", "ws") + "/gateway?v=10&encoding=json&compress=zstd-stream"
        async with client.ws_connect(address) as socket:
            closed = await socket.receive()

        assert (closed.data, "zstandard" in str(closed.extra)) == (4002, True)
