"""The stand-in of Discord, through discord.py as it is: nothing of it is patched but the two addresses it calls."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aiohttp
import discord
import httpx2
import pytest
import yarl
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from discord import app_commands
from discord import http as discord_http
from discord.gateway import DiscordWebSocket
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.testing.clock import SettableClock
from channels.sandbox.discord.gateway import MESSAGE_CONTENT
from channels.sandbox.discord.pace import GENEROUS
from channels.sandbox.discord.sandbox import DiscordSandbox
from channels.sandbox.faults import Do, Rule
from channels.sandbox.server import BadAct, serving
from tests.channels.sandbox.listening import serving_app

STUCK = 20


@dataclass
class Desk:
    sandbox: DiscordSandbox
    clock: SettableClock
    base: str

    @property
    def chat(self) -> str:
        return str(self.sandbox.direct.id)

    async def act(self, act: str, /, **body: Any) -> Any:
        return await self.sandbox.act(act, body)

    async def say(self, text: str, chat: str = "") -> str:
        made: str = (await self.act("say", chat=chat or self.chat, text=text))["message"]
        return made

    def messages(self, chat: str = "") -> list[Any]:
        chats = self.sandbox.seen()["chats"]
        found: list[Any] = next(one for one in chats if one["id"] == (chat or self.chat))["messages"]
        return found

    def last(self, chat: str = "") -> Any:
        return self.messages(chat)[-1]

    def calls(self, name: str) -> list[Any]:
        return self.sandbox.journal.calls(name)

    def entries(self, kind: str, name: str) -> list[Any]:
        return [one.data for one in self.sandbox.journal.entries if one.kind == kind and one.name == name]

    async def until(self, holds: Callable[[], Any]) -> None:
        """The journal's own word that something has changed; long: stuck."""
        async with asyncio.timeout(STUCK):
            while not holds():
                changed = asyncio.ensure_future(self.sandbox.journal.changed())
                await asyncio.wait((changed,), timeout=0.2)
                changed.cancel()


class Bot(discord.Client):
    """Writes down what it hears."""

    def __init__(self, **options: Any) -> None:
        intents = options.pop("intents", discord.Intents.default())
        super().__init__(intents=intents, max_ratelimit_timeout=30, guild_ready_timeout=0.01, **options)
        self.heard: list[Any] = []
        self.answer: Callable[[Any], Any] | None = None
        self.pressed: Callable[[discord.Interaction], Any] | None = None

    async def on_resumed(self) -> None:
        self.heard.append("resumed")

    async def on_message(self, message: discord.Message) -> None:
        if self.user and message.author.id != self.user.id:
            self.heard.append(message.content)
            if self.answer:
                await self.answer(message)

    async def on_message_edit(self, before: discord.Message, after: discord.Message) -> None:
        self.heard.append(("edited", after.content))

    async def on_raw_message_delete(self, deleted: discord.RawMessageDeleteEvent) -> None:
        self.heard.append(("deleted", deleted.message_id))

    async def on_raw_reaction_add(self, reaction: discord.RawReactionActionEvent) -> None:
        self.heard.append(("reacted", str(reaction.emoji)))

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        self.heard.append(("interaction", interaction.type.name))
        if self.pressed:
            await self.pressed(interaction)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """The stand-in of the tests takes any number at once."""


def everything() -> discord.Intents:
    intents = discord.Intents.default()
    intents.message_content = True
    return intents


@asynccontextmanager
async def sandbox_at_work(**options: Any) -> AsyncIterator[Desk]:
    clock = SettableClock()
    usual: dict[str, Any] = {"limits": GENEROUS, "identify_every": timedelta(0)}
    sandbox = DiscordSandbox(clock, **usual | options)
    async with serving(sandbox) as base:
        discord_http.Route.BASE = base + "/api/v10"
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(base.replace("http", "ws") + "/gateway")
        yield Desk(sandbox, clock, base)


@asynccontextmanager
async def bot_at(desk: Desk, bot: Bot | None = None) -> AsyncIterator[Bot]:
    bot = bot or Bot(intents=everything())
    running = asyncio.create_task(bot.start(desk.sandbox.rules.token))
    try:
        async with asyncio.timeout(STUCK):
            while not bot.is_ready():
                await asyncio.wait((running,), timeout=0.02)
                if running.done():
                    running.result()
        yield bot
    finally:
        await bot.close()
        await asyncio.wait((running,))


# Hearing


async def test_small_print_and_hidden_words_are_drawn_as_such() -> None:
    async with sandbox_at_work() as desk, bot_at(desk) as bot:
        bot.answer = lambda message: message.channel.send("-# a line below\n||not yet||")
        await desk.say("in private")
        await desk.until(lambda: desk.calls("create_message"))
        marked = {span["text"].strip(): span["marks"] for span in desk.last()["spans"] if span["text"].strip()}
        assert marked == {"a line below": ["small"], "not yet": ["spoiler"]}


@pytest.mark.parametrize("compress", [True, False], ids=["zlib", "plain"])
async def test_what_is_said_arrives_and_is_answered(compress: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not compress:
        with_compression = DiscordWebSocket.from_client.__func__  # type: ignore[attr-defined]

        async def plain(cls: Any, *args: Any, **kwargs: Any) -> Any:
            return await with_compression(cls, *args, **kwargs | {"compress": False})

        monkeypatch.setattr(DiscordWebSocket, "from_client", classmethod(plain))
    async with sandbox_at_work() as desk, bot_at(desk) as bot:
        bot.answer = lambda message: message.channel.send(f"echo {message.content}")
        await desk.say("in private")
        await desk.say("in public", str(desk.sandbox.general.id))
        await desk.until(lambda: len(desk.calls("create_message")) == 2)

        assert bot.heard == ["in private", "in public"]
        assert desk.last()["spans"][0]["text"] == "echo in private"
        opened = desk.entries("connection", "opened")
        assert [one["compress"] for one in opened] == ["zlib-stream" if compress else ""]


async def test_edits_deletions_reactions_and_typing_arrive() -> None:
    async with sandbox_at_work() as desk, bot_at(desk) as bot:
        said = await desk.say("one")
        await desk.until(lambda: bot.heard)  # the library gives the message it has, as it is by then
        await desk.act("edit", message=said, text="two")
        await desk.act("react", message=said, emoji="👍")
        await desk.act("delete", message=said)
        await desk.until(lambda: len(bot.heard) == 4)

        assert bot.heard == ["one", ("edited", "two"), ("reacted", "👍"), ("deleted", int(said))]


async def test_without_the_intent_only_what_is_said_to_the_bot_has_words() -> None:
    async with sandbox_at_work(granted=0) as desk, bot_at(desk, Bot()) as bot:
        general = str(desk.sandbox.general.id)
        await desk.say("hello all", general)
        await desk.say(f"hello <@{desk.sandbox.world.bot.id}>", general)
        await desk.say("hello you")
        await desk.until(lambda: len(bot.heard) == 3)

        assert bot.heard == ["", f"hello <@{desk.sandbox.world.bot.id}>", "hello you"]


async def test_an_intent_that_is_not_granted_ends_the_connection() -> None:
    async with sandbox_at_work(granted=0) as desk:
        with pytest.raises(discord.PrivilegedIntentsRequired):
            async with bot_at(desk):
                raise AssertionError


async def test_a_wrong_token_is_refused() -> None:
    async with sandbox_at_work() as desk:
        bot = Bot()
        with pytest.raises(discord.LoginFailure):
            await bot.login("wrong")
        await bot.close()

        assert desk.entries("refused", "get_my_user")[0]["status"] == 401


# The connection


async def test_what_was_missed_is_replayed_after_reconnect() -> None:
    async with sandbox_at_work() as desk, bot_at(desk) as bot:
        await desk.say("before")
        await desk.until(lambda: bot.heard == ["before"])
        await desk.act("gateway", do="disconnect", code=4000)
        await desk.say("meanwhile")
        await desk.until(lambda: "resumed" in bot.heard)

        assert bot.heard == ["before", "meanwhile", "resumed"]
        assert (len(desk.calls("IDENTIFY")), len(desk.calls("RESUME"))) == (1, 1)


async def test_the_bot_is_told_to_reconnect_and_resumes() -> None:
    async with sandbox_at_work() as desk, bot_at(desk) as bot:
        await desk.act("gateway", do="reconnect")
        await desk.until(lambda: "resumed" in bot.heard)

        assert len(desk.calls("IDENTIFY")) == 1


async def test_a_session_that_cannot_be_resumed_begins_anew_without_what_was_missed() -> None:
    async with sandbox_at_work() as desk, bot_at(desk) as bot:
        await desk.act("gateway", do="invalidate", resumable=False)
        await desk.until(lambda: len(desk.calls("IDENTIFY")) == 2)
        await desk.say("after")
        await desk.until(lambda: bot.heard == ["after"])


async def test_a_session_is_forgotten_in_time() -> None:
    async with sandbox_at_work() as desk, raw_gateway(desk) as first:
        ready = await first.identify()
        await first.socket.close(code=4000)
        await desk.until(lambda: desk.entries("connection", "closed"))
        await desk.clock.advance(600)
        async with raw_gateway(desk) as second:
            await second.send(6, {"token": desk.sandbox.rules.token, "session_id": ready["session_id"], "seq": 1})

            assert await second.next() == {"op": 9, "d": False, "s": None, "t": None}


async def test_closing_with_1000_ends_the_session() -> None:
    async with sandbox_at_work() as desk:
        async with raw_gateway(desk) as gateway:
            await gateway.identify()
            await gateway.socket.close(code=1000)
        await desk.until(lambda: desk.entries("connection", "closed"))

        assert desk.sandbox.gateway.sessions == {}


async def test_a_silent_client_is_cut() -> None:
    async with sandbox_at_work() as desk, raw_gateway(desk) as gateway:
        await gateway.identify()
        await desk.clock.advance(90)

        assert await gateway.closed() == 4009


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        pytest.param("{", 4002, id="no JSON"),
        pytest.param(json.dumps({"op": 3, "d": {}}), 4003, id="before IDENTIFY"),
        pytest.param(json.dumps({"op": 2, "d": {"token": "x", "properties": {}, "intents": 0}}), 4004, id="token"),
        pytest.param(json.dumps({"op": 1, "d": "x" * 5000}), 4002, id="too long"),
    ],
)
async def test_a_command_the_gateway_does_not_take_closes_it(sent: str, code: int) -> None:
    async with sandbox_at_work() as desk, raw_gateway(desk) as gateway:
        await gateway.socket.send_str(sent)

        assert await gateway.closed() == code


async def test_two_identifies_within_five_seconds_are_an_invalid_session() -> None:
    async with sandbox_at_work(identify_every=timedelta(seconds=5)) as desk:
        async with raw_gateway(desk) as first:
            await first.identify()
        async with raw_gateway(desk) as second:
            await second.send(2, second.login)

            assert (await second.next())["op"] == 9


async def test_beyond_the_budget_of_identifies_the_token_is_reset() -> None:
    async with sandbox_at_work(identifies=1) as desk:
        token = desk.sandbox.rules.token
        async with raw_gateway(desk) as first:
            await first.identify()
        async with raw_gateway(desk) as second:
            await second.send(2, second.login)

            assert await second.closed() == 4004
        assert desk.sandbox.rules.token != token


async def test_events_go_wrong_by_script() -> None:
    async with sandbox_at_work() as desk, bot_at(desk) as bot:
        desk.sandbox.faults.script(
            [
                Rule(on="MESSAGE_CREATE", nth=1, do=Do(drop=True)),
                Rule(on="MESSAGE_CREATE", nth=2, do=Do(duplicate=1)),
                Rule(on="MESSAGE_CREATE", nth=3, do=Do(reorder=True)),
                Rule(on="MESSAGE_CREATE", nth=5, do=Do(cut=True)),
            ]
        )
        for number in range(1, 6):
            await desk.say(str(number))
        await desk.until(lambda: "resumed" in bot.heard)

        assert bot.heard == ["2", "2", "4", "3", "5", "resumed"]


# Calls


async def test_a_nonce_is_remembered() -> None:
    async with sandbox_at_work() as desk, bot_at(desk) as bot:
        channel = await bot.fetch_channel(int(desk.chat))
        assert isinstance(channel, discord.DMChannel)
        first = await channel.send("once", nonce="k1")
        again = await channel.send("once", nonce="k1")
        await desk.clock.advance(600)
        later = await channel.send("once", nonce="k1")

        assert (again.id, later.id == first.id) == (first.id, False)
        assert len(desk.messages()) == 2


async def test_messages_are_edited_deleted_and_reacted_to() -> None:
    async with sandbox_at_work() as desk, bot_at(desk) as bot:
        channel = await bot.fetch_channel(desk.sandbox.general.id)
        assert isinstance(channel, discord.TextChannel)
        embed = discord.Embed(title="Order A-17", description="On its way").add_field(name="Day", value="Monday")
        sent = await channel.send("one", embed=embed)
        await sent.edit(content="two")
        await sent.add_reaction("👍")
        async with channel.typing():
            typing = next(one for one in desk.sandbox.seen()["chats"] if one["id"] == str(channel.id))["typing"]
        gone = await channel.send("three")
        await gone.delete()

        first, second = desk.messages(str(channel.id))
        assert (first["spans"][0]["text"], first["edited"], first["reactions"]) == (
            "two",
            True,
            [{"emoji": "👍", "count": 1}],
        )
        assert first["cards"][0]["fields"] == [{"name": "Day", "value": "Monday"}]
        assert (typing, second["deleted"]) == ("Frontdesk is typing…", True)


async def test_files_go_both_ways_with_their_descriptions() -> None:
    async with sandbox_at_work() as desk, bot_at(desk) as bot:
        read = list[bytes]()

        async def answer(message: discord.Message) -> None:
            read.append(await message.attachments[0].read())
            file = discord.File(io.BytesIO(b"GIF89a"), "shoe.gif", description="a shoe")
            await message.channel.send(file=file)

        bot.answer = answer
        await desk.act("upload", chat=desk.chat, file=("photo.png", "image/png", b"\x89PNG"), alt="a photo")
        await desk.until(lambda: desk.calls("create_message"))

        assert read == [b"\x89PNG"]
        told = {key: desk.last()["files"][0][key] for key in ("kind", "name", "type", "size", "alt")}
        assert told == {"kind": "image", "name": "shoe.gif", "type": "image/gif", "size": 6, "alt": "a shoe"}


async def test_threads_and_posts() -> None:
    async with sandbox_at_work() as desk, bot_at(desk) as bot:
        said = await desk.say("a question", str(desk.sandbox.general.id))
        channel = await bot.fetch_channel(desk.sandbox.general.id)
        assert isinstance(channel, discord.TextChannel)
        thread = await (await channel.fetch_message(int(said))).create_thread(name="Question")
        await thread.send("here")
        with pytest.raises(discord.HTTPException) as twice:
            await (await channel.fetch_message(int(said))).create_thread(name="Question")
        post = await desk.act("chat", kind="topic", parent=str(desk.sandbox.forum.id), title="Post", text="hello")
        await desk.until(lambda: "hello" in bot.heard)
        await desk.act("member", what="archive", chat=str(thread.id))
        await thread.send("again")

        assert twice.value.code == 160004
        assert (thread.id, [one["spans"][0]["text"] for one in desk.messages(str(thread.id))]) == (
            int(said),
            ["here", "again"],
        )
        assert desk.messages(post["chat"])[0]["id"] == post["chat"]


async def test_history_is_read_forwards_from_a_message() -> None:
    async with sandbox_at_work() as desk, bot_at(desk) as bot:
        said = [await desk.say(str(number)) for number in range(5)]
        channel = await bot.fetch_channel(int(desk.chat))
        assert isinstance(channel, discord.DMChannel)

        after = discord.Object(int(said[1]))
        assert [one.content async for one in channel.history(after=after, oldest_first=True, limit=2)] == ["2", "3"]


async def test_nobody_is_pinged_without_leave() -> None:
    async with sandbox_at_work() as desk, bot_at(desk, Bot(allowed_mentions=discord.AllowedMentions.none())) as bot:
        channel = await bot.fetch_channel(desk.sandbox.general.id)
        assert isinstance(channel, discord.TextChannel)
        person = desk.sandbox.world.owner.id
        await channel.send(f"@everyone <@{person}>")
        await channel.send(f"<@{person}>", allowed_mentions=discord.AllowedMentions(users=True))

        assert [one["pings"] for one in desk.messages(str(channel.id))] == [[], [str(person)]]


REFUSED: list[Any] = [
    pytest.param(lambda c: c.send("x" * 2001), 400, 50035, "content", id="too long"),
    pytest.param(lambda c: c.send(""), 400, 50006, "", id="empty"),
    pytest.param(lambda c: c.send("x", nonce="n" * 26), 400, 50035, "nonce", id="nonce"),
    pytest.param(lambda c: c.send(embed=discord.Embed(title="x" * 257)), 400, 50035, "embeds", id="embed title"),
    pytest.param(lambda c: c.send(embeds=[long_embed()] * 2), 400, 50035, "embeds", id="embeds together"),
    pytest.param(lambda c: c.send("x", view=view("x" * 81)), 400, 50035, "components", id="label"),
    pytest.param(lambda c: c.send("x", view=view("a", "b", same=True)), 400, 50035, "components", id="same id"),
    pytest.param(lambda c: c.send("x", reference=elsewhere(c)), 400, 50035, "message_reference", id="reference"),
    pytest.param(lambda c: c.fetch_message(5), 404, 10008, "", id="unknown message"),
    pytest.param(
        lambda c: c.send(file=discord.File(io.BytesIO(bytes(11 << 20)), "x")), 413, 40005, "", id="large file"
    ),
]


@pytest.mark.parametrize(("call", "status", "code", "where"), REFUSED)
async def test_what_discord_refuses_does_not_pass(call: Any, status: int, code: int, where: str) -> None:
    async with sandbox_at_work() as desk, bot_at(desk) as bot:
        channel = await bot.fetch_channel(int(desk.chat))
        with pytest.raises(discord.HTTPException) as refusal:
            await call(channel)

        assert (refusal.value.status, refusal.value.code) == (status, code)
        told = [one.data for one in desk.sandbox.journal.entries if one.kind == "refused"][-1]
        assert where in "".join(told.get("errors", {}))
        assert desk.messages() == []


def long_embed() -> discord.Embed:
    return discord.Embed(description="x" * 3500)


def view(*labels: str, same: bool = False) -> discord.ui.View:
    made = discord.ui.View()
    for number, label in enumerate(labels):
        made.add_item(discord.ui.Button(label=label, custom_id="same" if same else str(number)))
    return made


def elsewhere(channel: discord.DMChannel) -> discord.MessageReference:
    return discord.MessageReference(message_id=5, channel_id=channel.id)


async def test_foreign_messages_blocked_people_and_hidden_channels_are_refused() -> None:
    async with sandbox_at_work() as desk, bot_at(desk) as bot:
        said = await desk.say("mine")
        channel = await bot.fetch_channel(int(desk.chat))
        assert isinstance(channel, discord.DMChannel)
        with pytest.raises(discord.Forbidden) as foreign:
            await (await channel.fetch_message(int(said))).edit(content="yours")
        await desk.act("member", what="block")
        with pytest.raises(discord.Forbidden) as blocked:
            await channel.send("x")
        hidden = await desk.act("chat", kind="channel", title="staff", hidden=True)
        with pytest.raises(discord.Forbidden) as access:
            await bot.fetch_channel(int(hidden["chat"]))

        assert [one.value.code for one in (foreign, blocked, access)] == [50005, 50007, 50001]


async def test_a_field_discord_does_not_know_is_refused() -> None:
    async with sandbox_at_work() as desk, httpx2.AsyncClient(base_url=desk.base) as client:
        headers = {"Authorization": f"Bot {desk.sandbox.rules.token}"}
        path = f"/api/v10/channels/{desk.chat}/messages"
        answer = await client.post(path, headers=headers, json={"content": "x", "colour": 1})

        assert (answer.status_code, answer.json()["errors"]["colour"]["_errors"][0]["code"]) == (400, "UNKNOWN_FIELD")


# Limits and faults


async def test_the_sixth_message_within_five_seconds_waits() -> None:
    async with sandbox_at_work(limits={"create_message": (5, 5), "*": (1000, 1)}) as desk:
        async with httpx2.AsyncClient(base_url=desk.base) as client:
            headers = {"Authorization": f"Bot {desk.sandbox.rules.token}"}
            path = f"/api/v10/channels/{desk.chat}/messages"
            answers = [await client.post(path, headers=headers, json={"content": str(n)}) for n in range(6)]
            await desk.clock.advance(5)
            later = await client.post(path, headers=headers, json={"content": "later"})

        assert [one.status_code for one in (*answers, later)] == [200] * 5 + [429, 200]
        assert (answers[5].json()["retry_after"], "via" in answers[5].headers) == (5, True)
        assert [one.headers["x-ratelimit-remaining"] for one in answers] == ["4", "3", "2", "1", "0", "0"]


async def test_a_long_wait_comes_to_the_surface_of_the_client() -> None:
    async with sandbox_at_work() as desk, bot_at(desk) as bot:
        channel = await bot.fetch_channel(int(desk.chat))
        assert isinstance(channel, discord.DMChannel)
        desk.sandbox.faults.script([Rule(on="create_message", nth=1, do=Do(status=429, after=60))])
        with pytest.raises(discord.RateLimited) as limited:
            await channel.send("x")
        await channel.send("y")

        assert limited.value.retry_after == 60
        assert [one["spans"][0]["text"] for one in desk.messages()] == ["y"]


async def test_a_message_may_arrive_without_the_client_knowing() -> None:
    async with sandbox_at_work() as desk, bot_at(desk) as bot:
        channel = await bot.fetch_channel(int(desk.chat))
        assert isinstance(channel, discord.DMChannel)
        desk.sandbox.faults.script([Rule(on="create_message", nth=1, do=Do(accept_then_cut=True))])
        with pytest.raises(Exception, match="disconnected"):
            await channel.send("x", nonce="k")
        await channel.send("x", nonce="k")

        assert len(desk.messages()) == 1


async def test_too_many_refusals_are_a_ban() -> None:
    async with sandbox_at_work() as desk, httpx2.AsyncClient(base_url=desk.base) as client:
        for _ in range(10_000):
            desk.sandbox.pace.refused()
        answer = await client.get("/api/v10/users/@me", headers={"Authorization": f"Bot {desk.sandbox.rules.token}"})

        assert (answer.status_code, "via" in answer.headers) == (429, False)


# Interactions


async def asked(desk: Desk, bot: Bot, shown: discord.ui.View) -> str:
    channel = await bot.fetch_channel(int(desk.chat))
    assert isinstance(channel, discord.DMChannel)
    return str((await channel.send("choose", view=shown)).id)


async def test_a_press_is_answered_once_and_in_time() -> None:
    async with sandbox_at_work() as desk, bot_at(desk) as bot:
        errors = list[int]()

        async def pressed(interaction: discord.Interaction) -> None:
            await interaction.response.send_message("only you", ephemeral=True)
            try:
                await bot.http.request(
                    discord_http.Route("POST", f"/interactions/{interaction.id}/{interaction.token}/callback"),
                    json={"type": 6},
                )
            except discord.HTTPException as error:
                errors.append(error.code)

        bot.pressed = pressed
        message = await asked(desk, bot, view("Agent"))
        await desk.act("press", message=message, id="0")
        await desk.until(lambda: errors)

        assert (errors, desk.last()["ephemeral"], desk.last()["to"]) == (
            [40060],
            True,
            str(desk.sandbox.world.owner.id),
        )


async def test_a_deferred_press_is_followed_up_for_fifteen_minutes() -> None:
    async with sandbox_at_work() as desk, bot_at(desk) as bot:
        held = list[discord.Interaction]()

        async def pressed(interaction: discord.Interaction) -> None:
            await interaction.response.defer(thinking=True)
            held.append(interaction)

        bot.pressed = pressed
        message = await asked(desk, bot, view("Agent"))
        await desk.act("press", message=message, id="0")
        await desk.until(lambda: held)
        thinking = desk.last()["draft"]
        await held[0].followup.send("first")
        await desk.clock.advance(14 * 60)
        await held[0].followup.send("second")
        await desk.clock.advance(2 * 60)
        with pytest.raises(discord.HTTPException) as late:
            await held[0].followup.send("third")

        assert (thinking, late.value.code) == (True, 50027)
        assert [one["spans"][0]["text"] for one in desk.messages()] == ["choose", "first", "second"]


async def test_a_press_that_nobody_answers_fails_before_the_person_and_for_the_bot() -> None:
    async with sandbox_at_work() as desk, bot_at(desk) as bot:
        held = list[discord.Interaction]()

        async def pressed(interaction: discord.Interaction) -> None:
            held.append(interaction)

        bot.pressed = pressed
        message = await asked(desk, bot, view("Agent"))
        await desk.act("press", message=message, id="0")
        await desk.until(lambda: held)
        await desk.clock.advance(3.1)
        with pytest.raises(discord.NotFound) as late:
            await held[0].response.defer()

        assert (late.value.code, desk.sandbox.seen()["toast"]) == (10062, "This interaction failed")
        assert len(desk.entries("refused", "interaction")) == 1


class Details(discord.ui.Modal, title="Your details"):
    name: discord.ui.TextInput[Any] = discord.ui.TextInput(label="Name", custom_id="name")
    more: discord.ui.Label[Any] = discord.ui.Label(
        text="Reason",
        component=discord.ui.Select(
            custom_id="reason", options=[discord.SelectOption(label="Damaged", value="damaged")]
        ),
    )


async def test_a_modal_is_opened_filled_and_sent() -> None:
    async with sandbox_at_work() as desk, bot_at(desk) as bot:
        submitted = list[Any]()

        async def pressed(interaction: discord.Interaction) -> None:
            if interaction.type is discord.InteractionType.modal_submit:
                submitted.append(interaction.data)
                await interaction.response.send_message("thanks")
            else:
                await interaction.response.send_modal(Details(custom_id="details"))

        bot.pressed = pressed
        message = await asked(desk, bot, view("Fill in"))
        await desk.act("press", message=message, id="0")
        await desk.until(lambda: desk.sandbox.seen()["modal"])
        shown = desk.sandbox.seen()["modal"]
        wrong = await desk.act("submit", id=shown["id"], values={"name": ""})
        await desk.act("submit", id=shown["id"], values={"name": "Ada", "reason": ["damaged"]})
        await desk.until(lambda: submitted and desk.last()["spans"][0]["text"] == "thanks")

        assert [(one["name"], one["type"], one["required"]) for one in shown["fields"]] == [
            ("name", "text", True),
            ("reason", "choice", True),
        ]
        assert set(wrong["errors"]) == {"name", "reason"}
        values = [one.get("components", [one.get("component")])[0] for one in submitted[0]["components"]]
        assert [one.get("value", one.get("values")) for one in values] == ["Ada", ["damaged"]]


async def test_a_modal_answers_no_modal() -> None:
    async with sandbox_at_work() as desk, bot_at(desk) as bot:
        codes = list[int]()

        async def pressed(interaction: discord.Interaction) -> None:
            try:
                await interaction.response.send_modal(Details(custom_id="details"))
            except discord.HTTPException as error:
                codes.append(error.code)

        bot.pressed = pressed
        message = await asked(desk, bot, view("Fill in"))
        await desk.act("press", message=message, id="0")
        await desk.until(lambda: desk.sandbox.seen()["modal"])
        await desk.act("submit", values={"name": "Ada", "reason": "damaged"})
        await desk.until(lambda: codes)

        assert codes == [50035]


async def test_a_select_gives_what_was_chosen() -> None:
    async with sandbox_at_work() as desk, bot_at(desk) as bot:
        chosen = list[Any]()

        async def pressed(interaction: discord.Interaction) -> None:
            data: Any = interaction.data
            chosen.append(data["values"])
            await interaction.response.edit_message(content="done", view=None)

        bot.pressed = pressed
        shown = discord.ui.View()
        options = [discord.SelectOption(label=name, value=name.lower()) for name in ("Red", "Blue")]
        shown.add_item(discord.ui.Select(custom_id="colour", options=options))
        message = await asked(desk, bot, shown)
        with pytest.raises(BadAct, match="choose 1 to 1"):
            await desk.act("choose", message=message, id="colour", values=["green"])
        await desk.act("choose", message=message, id="colour", values=["blue"])
        await desk.until(lambda: desk.last()["spans"][0]["text"] == "done")

        assert (chosen, desk.last()["rows"]) == ([["blue"]], [])


async def test_slash_commands_are_set_offered_and_used() -> None:
    async with sandbox_at_work() as desk:
        bot = Bot(intents=everything())
        tree = app_commands.CommandTree(bot)
        given = list[str]()

        @tree.command(name="order", description="Where is my order?")
        async def order(interaction: discord.Interaction, number: str) -> None:
            given.append(number)
            await interaction.response.send_message(f"looking for {number}")

        async with bot_at(desk, bot):
            await tree.sync()
            await desk.act("command", chat=desk.chat, name="order", text="A-17")
            await desk.until(lambda: given and desk.messages())

        offered = next(one for one in desk.sandbox.seen()["chats"] if one["id"] == desk.chat)["commands"]
        assert offered == [{"name": "order", "about": "Where is my order?"}]
        assert (given, desk.last()["spans"][0]["text"]) == (["A-17"], "looking for A-17")


async def test_bad_commands_are_refused() -> None:
    async with sandbox_at_work() as desk, bot_at(desk) as bot:
        assert bot.application_id is not None
        with pytest.raises(discord.HTTPException) as refusal:
            await bot.http.bulk_upsert_global_commands(
                bot.application_id,
                [{"name": "With Space", "description": ""}, {"name": "x", "description": "y", "options": [{}]}],
            )

        assert refusal.value.code == 50035


# Interactions over HTTP


@dataclass
class Endpoint:
    """A bot's HTTP address; `careless`: it lets any signature pass."""

    key: str = ""
    careless: bool = False
    heard: list[Any] = field(default_factory=list)

    async def __call__(self, request: Request) -> Response:
        raw = await request.body()
        try:
            signature = bytes.fromhex(request.headers.get("x-signature-ed25519", ""))
            at = request.headers["x-signature-timestamp"].encode()
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.key)).verify(signature, at + raw)
        except (InvalidSignature, ValueError, KeyError):
            if not self.careless:
                return Response(status_code=401)
        told = json.loads(raw)
        if told["type"] == 1:
            return JSONResponse({"type": 1})
        self.heard.append(told)
        return JSONResponse({"type": 4, "data": {"content": "over HTTP"}})


async def test_interactions_are_posted_signed_to_an_address_that_proved_itself() -> None:
    async with sandbox_at_work() as desk, bot_at(desk) as bot:
        endpoint = Endpoint(desk.sandbox.told()["public_key"])
        async with serving_app(Starlette(routes=[Route("/hooks", endpoint.__call__, methods=["POST"])])) as base:
            await desk.act("endpoint", url=base + "/hooks")
            message = await asked(desk, bot, view("Agent"))
            await desk.act("press", message=message, id="0")
            await desk.until(lambda: desk.last()["spans"][0]["text"] == "over HTTP")

            assert [one["data"]["custom_id"] for one in endpoint.heard] == ["0"]
            assert bot.heard == []
            assert await desk.act("probe") == {"passed": True}
            endpoint.careless = True
            assert await desk.act("probe") == {"passed": False}
            assert desk.sandbox.interactions.endpoint == ""


async def test_a_careless_address_is_not_taken() -> None:
    async with sandbox_at_work() as desk, httpx2.AsyncClient(base_url=desk.base) as client:
        endpoint = Endpoint(desk.sandbox.told()["public_key"], careless=True)
        async with serving_app(Starlette(routes=[Route("/hooks", endpoint.__call__, methods=["POST"])])) as base:
            headers = {"Authorization": f"Bot {desk.sandbox.rules.token}"}
            body = {"interactions_endpoint_url": base + "/hooks"}
            answer = await client.patch("/api/v10/applications/@me", headers=headers, json=body)

        assert (answer.status_code, answer.json()["code"]) == (400, 50035)


# A gateway connection by hand


@dataclass
class RawGateway:
    socket: Any
    login: dict[str, Any]

    async def send(self, op: int, data: Any) -> None:
        await self.socket.send_str(json.dumps({"op": op, "d": data}))

    async def next(self) -> Any:
        async with asyncio.timeout(STUCK):
            return json.loads(await self.socket.receive_str())

    async def identify(self) -> Any:
        await self.send(2, self.login)
        return (await self.next())["d"]

    async def closed(self) -> int:
        async with asyncio.timeout(STUCK):
            while not self.socket.closed:
                await self.socket.receive()
        code: int = self.socket.close_code
        return code


@asynccontextmanager
async def raw_gateway(desk: Desk) -> AsyncIterator[RawGateway]:
    address = desk.base.replace("http", "ws") + "/gateway?v=10&encoding=json"
    async with aiohttp.ClientSession() as client, client.ws_connect(address) as socket:
        login = {"token": desk.sandbox.rules.token, "properties": {}, "intents": 1 << 12 | MESSAGE_CONTENT}
        gateway = RawGateway(socket, login)
        assert (await gateway.next())["op"] == 10
        yield gateway
