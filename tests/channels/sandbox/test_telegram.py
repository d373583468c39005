"""The sandbox of Telegram, judged by the client that real bots use."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx2
import pytest
import uvicorn
from aiogram import methods as known
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramConflictError,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)
from aiogram.types import (
    BotCommand,
    BufferedInputFile,
    EphemeralMessageParameters,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaDocument,
    InputMediaPhoto,
    InputRichBlockList,
    InputRichBlockListItem,
    InputRichBlockParagraph,
    InputRichBlockSectionHeading,
    InputRichBlockTable,
    InputRichBlockThinking,
    InputRichMessage,
    KeyboardButton,
    Message,
    MessageEntity,
    ReactionTypeEmoji,
    ReplyKeyboardMarkup,
    ReplyParameters,
    RichBlockTableCell,
    RichTextBold,
    RichTextUrl,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from channels.sandbox.server import BadAct
from channels.sandbox.telegram.arguments import METHODS
from channels.sandbox.telegram.methods import Methods
from tests.channels.sandbox.telegram_client import ADA, Stand, bot_at, picture, soon, standing, until


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    async with standing() as stand:
        yield stand


def inline(*buttons: InlineKeyboardButton) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(inline_keyboard=[list(buttons)])


# What it knows


def test_every_method_of_the_table_is_there_and_known_to_the_client() -> None:
    snake = {name: re.sub(r"(?=[A-Z])", "_", name).lower() for name in METHODS}
    assert [name for name, attribute in snake.items() if not hasattr(Methods, attribute)] == []
    assert [name for name in METHODS if not hasattr(known, name[0].upper() + name[1:])] == []


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_argument_the_client_may_send_is_in_the_table(name: str) -> None:
    fields: Any = getattr(known, name[0].upper() + name[1:]).model_fields
    unknown = set(fields) - set(METHODS[name]) - {"upload_stickers"}
    assert unknown == set()


async def test_the_client_reads_who_the_bot_is(stand: Stand) -> None:
    me = await stand.bot.get_me()
    assert (me.id, me.is_bot, me.username, me.can_read_all_group_messages) == (42, True, "sandbox_bot", False)


async def test_a_wrong_token_and_an_unknown_method_are_refused(stand: Stand) -> None:
    other = bot_at(stand.address, "42:OTHER")
    with pytest.raises(TelegramUnauthorizedError):
        await other.get_me()
    await other.session.close()
    async with httpx2.AsyncClient() as http:
        answer = await http.post(f"{stand.address}/bot42:TEST/sendEverything")
        typo = await http.post(f"{stand.address}/bot42:TEST/sendMessage", data={"chat_id": "1", "txet": "x"})
    assert answer.json() == {"ok": False, "error_code": 404, "description": "Not Found: method not found"}
    assert typo.json()["description"] == "Bad Request: method 'sendMessage' has no parameter 'txet'"


# Updates


async def test_updates_stay_until_an_offset_confirms_them(stand: Stand) -> None:
    await stand.act("say", text="one")
    await stand.act("say", text="two")
    first = await stand.updates()
    again = await stand.updates()
    assert [update.message and update.message.text for update in first] == ["one", "two"]
    assert again == first
    assert await stand.updates(first[-1].update_id + 1) == []
    confirmed = [entry.data["updates"] for entry in stand.sandbox.journal.entries if entry.kind == "confirmed"]
    assert confirmed == [[update.update_id for update in first]]


async def test_unconfirmed_updates_are_forgotten_after_a_day(stand: Stand) -> None:
    await stand.act("say", text="early")
    await stand.clock.advance(23 * 3600)
    await stand.act("say", text="late")
    await stand.clock.advance(2 * 3600)
    assert [update.message and update.message.text for update in await stand.updates()] == ["late"]


async def test_a_long_poll_returns_at_once_when_something_comes(stand: Stand) -> None:
    poll = asyncio.create_task(stand.bot.get_updates(timeout=30))
    await _polling(stand)
    await stand.act("say", text="now")
    assert len(await soon(poll)) == 1


async def test_a_long_poll_ends_by_the_sandboxs_clock(stand: Stand) -> None:
    poll = asyncio.create_task(stand.bot.get_updates(timeout=30))
    await _polling(stand)
    await stand.clock.advance(30)
    assert await soon(poll) == []


async def test_a_second_poller_ends_the_first(stand: Stand) -> None:
    first = asyncio.create_task(stand.bot.get_updates(timeout=30))
    await _polling(stand)
    second = asyncio.create_task(stand.bot.get_updates(timeout=30))
    with pytest.raises(TelegramConflictError, match="terminated by other getUpdates request"):
        await soon(first)
    await stand.act("say", text="for the second")
    assert len(await soon(second)) == 1


async def _polling(stand: Stand) -> None:
    updates = next(iter(stand.sandbox.bots.values())).updates
    await until(lambda: updates.is_polled)


async def test_only_kinds_that_are_asked_for_come(stand: Stand) -> None:
    await stand.act("say", text="hello")
    said = await stand.bot.send_message(ADA, "hi")
    await stand.act("react", message=said.message_id, emoji="👍")
    assert [update.event_type for update in await stand.updates()] == ["message"]
    await stand.bot.get_updates(allowed_updates=["message_reaction"], timeout=0)
    await stand.act("react", message=said.message_id, emoji="🔥")
    await stand.act("say", text="unheard")
    assert [update.event_type for update in await stand.updates()] == ["message", "message_reaction"]


@pytest.mark.parametrize(
    ("do", "heard"),
    [
        ({"duplicate": 1}, ["one", "one", "two"]),
        ({"reorder": True}, ["two", "one"]),
        ({"drop": True}, ["two"]),
        ({"hold": True}, ["two", "one"]),
        ({"delay": 5}, ["two", "one"]),
    ],
    ids=str,
)
async def test_events_go_wrong_by_script(stand: Stand, do: dict[str, Any], heard: list[str]) -> None:
    stand.fault("message", **do)
    await stand.act("say", text="one")
    await stand.act("say", text="two")
    stand.sandbox.faults.script([])
    await stand.clock.advance(5)
    updates = await stand.updates()
    assert [update.message and update.message.text for update in updates] == heard
    ids = [update.update_id for update in updates]
    assert ids == sorted(set(ids))


# Webhook


class Hook:
    """A bot's own address."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []
        self.answers: list[Response] = []

    async def __call__(self, request: Request) -> Response:
        self.heard.append((request.headers.get("X-Telegram-Bot-Api-Secret-Token", ""), await request.json()))
        return self.answers.pop(0) if self.answers else Response()

    async def until(self, count: int) -> None:
        await until(lambda: len(self.heard) >= count)

    def texts(self) -> list[str]:
        return [update["message"]["text"] for _, update in self.heard]


@pytest.fixture
async def hook() -> AsyncIterator[tuple[Hook, str]]:
    import socket

    hook = Hook()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        site = Starlette(routes=[Route("/tg", hook.__call__, methods=["POST"])])
        server = uvicorn.Server(uvicorn.Config(site, log_config=None, lifespan="off"))
        serving = asyncio.create_task(server._serve([listener]))
        yield hook, f"http://127.0.0.1:{listener.getsockname()[1]}/tg"
        server.should_exit = True
        await serving


async def test_a_webhook_brings_updates_with_the_secret(stand: Stand, hook: tuple[Hook, str]) -> None:
    site, url = hook
    await stand.bot.set_webhook(url, secret_token="s3")
    await stand.act("say", text="hello")
    await site.until(1)
    secret, update = site.heard[0]
    assert (secret, update["message"]["text"]) == ("s3", "hello")
    with pytest.raises(TelegramConflictError, match="can't use getUpdates method while webhook is active"):
        await stand.updates()


async def test_a_refused_update_comes_again_and_holds_back_its_chat_alone(stand: Stand, hook: tuple[Hook, str]) -> None:
    site, url = hook
    bob = (await stand.act("person", name="Bob"))["chat"]
    await stand.bot.set_webhook(url, secret_token="s3")
    site.answers = [Response(status_code=503)]
    await stand.act("say", text="one")
    await site.until(1)
    await stand.act("say", text="two")
    await stand.act("say", chat=bob, text="other chat")
    await site.until(2)
    assert site.texts() == ["one", "other chat"]
    await _retried(stand, site, 4, seconds=1)
    assert site.texts()[2:] == ["one", "two"]
    info = await stand.bot.get_webhook_info()
    assert (info.pending_update_count, info.last_error_message) == (
        0,
        "Wrong response from the webhook: 503 Service Unavailable",
    )


async def test_a_webhooks_retry_after_is_kept(stand: Stand, hook: tuple[Hook, str]) -> None:
    site, url = hook
    await stand.bot.set_webhook(url, secret_token="s3")
    site.answers = [Response(status_code=503, headers={"Retry-After": "40"})]
    await stand.act("say", text="one")
    await site.until(1)
    await _failed(stand)
    await stand.clock.advance(39)
    assert site.texts() == ["one"]
    await _retried(stand, site, 2, seconds=1)


async def test_a_webhook_that_is_gone_for_23_hours_is_removed(stand: Stand, hook: tuple[Hook, str]) -> None:
    site, url = hook
    await stand.bot.set_webhook(url, secret_token="s3")
    gone = Response(status_code=410, headers={"Retry-After": "3600"})
    site.answers = [gone] * 30
    await stand.act("say", text="one")
    for hour in range(23):
        await site.until(hour + 1)
        await _failed(stand, hour + 1)
        await stand.clock.advance(3600)
    await site.until(24)
    await _failed(stand, 24)
    assert (await stand.bot.get_webhook_info()).url == ""


async def _failed(stand: Stand, times: int = 1) -> None:
    await until(lambda: sum(entry.kind == "connection" for entry in stand.sandbox.journal.entries) >= times)
    await asyncio.sleep(0)


async def _retried(stand: Stand, site: Hook, count: int, *, seconds: float) -> None:
    await _failed(stand)
    await stand.clock.advance(seconds)
    await site.until(count)


async def test_a_webhook_needs_https_and_a_plain_secret(stand: Stand) -> None:
    with pytest.raises(TelegramBadRequest, match="An HTTPS URL must be provided"):
        await stand.bot.set_webhook("http://example.org/tg")
    with pytest.raises(TelegramBadRequest, match="secret token contains unallowed characters"):
        await stand.bot.set_webhook("https://example.org/tg", secret_token="sécret")


# Strict refusal

SAID: dict[str, Any] = {"chat_id": ADA, "text": "x"}
REFUSED: dict[str, tuple[Callable[[Stand], Awaitable[Any]], str]] = {
    "empty": (lambda s: s.bot.send_message(ADA, "  "), "message text is empty"),
    "long": (lambda s: s.bot.send_message(ADA, "x" * 4097), "message is too long"),
    "long in UTF-16": (lambda s: s.bot.send_message(ADA, "😀" * 2049), "message is too long"),
    "caption": (
        lambda s: s.bot.send_photo(ADA, BufferedInputFile(picture(), "a.png"), caption="x" * 1025),
        "message caption is too long",
    ),
    "entity beyond": (
        lambda s: s.bot.send_message(ADA, "ab", entities=[MessageEntity(type="bold", offset=1, length=2)]),
        "entity beginning at UTF-16 offset 1 ends after the end of the text at UTF-16 offset 2",
    ),
    "entity inside a symbol": (
        lambda s: s.bot.send_message(ADA, "😀", entities=[MessageEntity(type="bold", offset=1, length=1)]),
        "entity begins in a middle of a UTF-16 symbol",
    ),
    "entity type": (
        lambda s: s.bot.send_message(ADA, "ab", entities=[MessageEntity(type="blink", offset=0, length=1)]),
        "unsupported type specified",
    ),
    "html": (lambda s: s.bot.send_message(ADA, "<b>x", parse_mode="HTML"), "can't find end tag"),
    "markdown": (lambda s: s.bot.send_message(ADA, "a.b", parse_mode="MarkdownV2"), "reserved and must be escaped"),
    "unknown chat": (lambda s: s.bot.send_message(9, "x"), "chat not found"),
    "token": (
        lambda s: s.bot.send_message(
            ADA, "x", reply_markup=inline(InlineKeyboardButton(text="a", callback_data="x" * 65))
        ),
        "BUTTON_DATA_INVALID",
    ),
    "button without action": (
        lambda s: s.bot.send_message(ADA, "x", reply_markup=inline(InlineKeyboardButton(text="a"))),
        "text buttons are unallowed in the inline keyboard",
    ),
    "button without text": (
        lambda s: s.bot.send_message(ADA, "x", reply_markup=inline(InlineKeyboardButton(text="", callback_data="a"))),
        "button text must be non-empty",
    ),
    "wrong link": (
        lambda s: s.bot.send_message(ADA, "x", reply_markup=inline(InlineKeyboardButton(text="a", url="nowhere"))),
        "is invalid: Wrong HTTP URL",
    ),
    "too many buttons": (
        lambda s: s.bot.send_message(
            ADA,
            "x",
            reply_markup=InlineKeyboardMarkup(
                inline_keyboard=[[InlineKeyboardButton(text="a", callback_data="a")]] * 101
            ),
        ),
        "reply markup is too long",
    ),
    "no such reply": (
        lambda s: s.bot.send_message(ADA, "x", reply_parameters=ReplyParameters(message_id=99)),
        "message to be replied not found",
    ),
    "no such thread": (lambda s: s.bot.send_message(ADA, "x", message_thread_id=5), "message thread not found"),
    "no such message": (
        lambda s: s.bot.edit_message_text("x", chat_id=ADA, message_id=99),
        "message to edit not found",
    ),
    "theirs": (lambda s: s.bot.edit_message_text("x", chat_id=ADA, message_id=1), "message can't be edited"),
    "file id": (lambda s: s.bot.send_photo(ADA, "nothing"), "wrong file identifier/HTTP URL specified"),
    "no picture": (lambda s: s.bot.send_photo(ADA, BufferedInputFile(b"text", "a.png")), "IMAGE_PROCESS_FAILED"),
    "wide picture": (
        lambda s: s.bot.send_photo(ADA, BufferedInputFile(picture(210, 10), "a.png")),
        "PHOTO_INVALID_DIMENSIONS",
    ),
    "mixed album": (
        lambda s: s.bot.send_media_group(
            ADA,
            [
                InputMediaPhoto(media=BufferedInputFile(picture(), "a.png")),
                InputMediaDocument(media=BufferedInputFile(b"x", "a.txt")),
            ],
        ),
        "can't be mixed",
    ),
    "album of one": (
        lambda s: s.bot.send_media_group(ADA, [InputMediaPhoto(media=BufferedInputFile(picture(), "a.png"))]),
        "album must have 2-10 items",
    ),
    "query": (lambda s: s.bot.answer_callback_query("1"), "query is too old"),
    "action": (lambda s: s.bot.send_chat_action(ADA, "dance"), "wrong parameter action"),
    "reaction": (
        lambda s: s.bot.set_message_reaction(ADA, 1, [ReactionTypeEmoji(emoji="🦖")]),
        "REACTION_INVALID",
    ),
    "command": (
        lambda s: s.bot.set_my_commands([BotCommand(command="Über", description="x")]),
        "BOT_COMMAND_INVALID",
    ),
    "draft": (lambda s: s.bot.send_message_draft(ADA, 0, text="x"), "draft identifier must be non-zero"),
    "rich": (
        lambda s: s.bot.send_rich_message(ADA, InputRichMessage(markdown="x" * 32_769)),
        "message is too long",
    ),
    "rich of nothing": (
        lambda s: s.bot.send_rich_message(ADA, InputRichMessage(blocks=[])),
        "non-empty Array of blocks",
    ),
    "rich with a cell that stands nowhere": (
        lambda s: s.bot.send_rich_message(ADA, InputRichMessage(blocks=[table([cell("x", align="start")])])),
        "wrong alignment of a table cell",
    ),
    "rich of 21 columns": (
        lambda s: s.bot.send_rich_message(ADA, InputRichMessage(blocks=[table([cell("x")] * 21)])),
        "RICH_MESSAGE_TABLE_TOO_WIDE",
    ),
    "rich of 501 rows": (
        lambda s: s.bot.send_rich_message(ADA, InputRichMessage(blocks=[table(*[[cell("x")]] * 501)])),
        "RICH_MESSAGE_TOO_MANY_BLOCKS",
    ),
    "rich that thinks": (
        lambda s: s.bot.send_rich_message(ADA, InputRichMessage(blocks=[InputRichBlockThinking(text="hm")])),
        "unsupported block 'thinking'",
    ),
    "rich with a heading of size 9": (
        lambda s: s.bot.send_rich_message(
            ADA, InputRichMessage(blocks=[InputRichBlockSectionHeading(text="x", size=9)])
        ),
        "heading size must be 1-6",
    ),
    "note in private": (
        lambda s: s.bot.send_message(
            ADA, "x", ephemeral_message_parameters=EphemeralMessageParameters(receiver_user_id=ADA)
        ),
        "ephemeral messages can be sent only to group and supergroup chats",
    ),
    "place": (lambda s: s.bot.send_location(ADA, 91, 0), "wrong latitude or longitude"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_the_platform_refuses_is_refused_in_its_words(stand: Stand, case: str) -> None:
    await stand.act("say", text="hello")
    call, words = REFUSED[case]
    with pytest.raises(TelegramBadRequest, match=re.escape(words)):
        await call(stand)
    assert [entry.kind for entry in stand.sandbox.journal.entries if entry.kind in ("call", "refused")] == ["refused"]
    assert [message["by"] for message in stand.messages()] == ["person"]


def cell(words: str, *, align: str = "left", is_header: bool | None = None) -> RichBlockTableCell:
    return RichBlockTableCell(text=words, align=align, valign="top", is_header=is_header)


def table(*rows: list[RichBlockTableCell], caption: str | None = None) -> InputRichBlockTable:
    return InputRichBlockTable(cells=list(rows), caption=caption)


async def test_a_rich_message_is_read_by_the_client_and_seen_block_by_block(stand: Stand) -> None:
    await stand.act("say", text="hello")
    blocks: list[Any] = [
        InputRichBlockSectionHeading(text="Fees", size=2),
        InputRichBlockParagraph(
            text=["See ", RichTextBold(text="all"), RichTextUrl(text=" here", url="https://a.example/")]
        ),
        InputRichBlockList(items=[InputRichBlockListItem(blocks=[InputRichBlockParagraph(text="one")])]),
        table(
            [cell("To", is_header=True), cell("Fee", is_header=True)], [cell("Berlin"), cell("3 €")], caption="By post"
        ),
    ]
    said = await stand.bot.send_rich_message(ADA, InputRichMessage(blocks=blocks))
    assert said.rich_message is not None
    assert [block.type for block in said.rich_message.blocks] == ["heading", "paragraph", "list", "table"]
    message = stand.messages()[-1]
    heading, paragraph, item, fees = message["blocks"]
    assert heading["spans"] == [{"text": "Fees", "marks": ["heading"], "link": ""}]
    assert [(s["text"], s["marks"], s["link"]) for s in paragraph["spans"]] == [
        ("See ", [], ""),
        ("all", ["bold"], ""),
        (" here", [], "https://a.example/"),
    ]
    assert "".join(s["text"] for s in item["spans"]) == "• one"
    assert fees["table"] == {"columns": ["To", "Fee"], "rows": [["Berlin", "3 €"]], "title": "By post", "right": []}
    words = "".join(s["text"] for s in message["spans"])
    assert words == "Fees\nSee all here\n• one\nBy post\nTo | Fee\nBerlin | 3 €"
    edited = await stand.bot.edit_message_text(
        chat_id=ADA, message_id=said.message_id, rich_message=InputRichMessage(blocks=[table([cell("x")])])
    )
    assert isinstance(edited, Message)
    await stand.bot.send_rich_message_draft(
        ADA, 5, InputRichMessage(blocks=[InputRichBlockThinking(text="hm")]), can_stop=True
    )
    assert (stand.messages()[-1]["draft"], stand.messages()[-1]["can_stop"]) == (True, True)


async def test_text_of_exactly_the_limit_is_taken(stand: Stand) -> None:
    await stand.act("say", text="hello")
    await stand.bot.send_message(ADA, "😀" * 2048)
    await stand.bot.send_message(ADA, "<b>" + "x" * 4096 + "</b>", parse_mode="HTML")
    assert len(stand.messages()) == 3


# What is said


async def test_a_message_with_everything_is_seen_as_it_was_sent(stand: Stand) -> None:
    heard = await stand.act("say", text="hello")
    said = await stand.bot.send_message(
        ADA,
        "😀 bold and link",
        entities=[
            MessageEntity(type="bold", offset=3, length=4),
            MessageEntity(type="text_link", offset=12, length=4, url="https://a.example/"),
        ],
        reply_parameters=ReplyParameters(message_id=int(heard["message"])),
        reply_markup=inline(InlineKeyboardButton(text="Yes", callback_data="t1")),
    )
    assert said.from_user is not None
    assert (said.from_user.id, said.text) == (42, "😀 bold and link")
    seen = stand.messages()[-1]
    assert seen["spans"] == [
        {"text": "😀 ", "marks": [], "link": ""},
        {"text": "bold", "marks": ["bold"], "link": ""},
        {"text": " and ", "marks": [], "link": ""},
        {"text": "link", "marks": [], "link": "https://a.example/"},
    ]
    assert (seen["reply_to"], seen["rows"][0][0]["label"]) == (heard["message"], "Yes")


async def test_parse_modes_become_entities(stand: Stand) -> None:
    await stand.act("say", text="hello")
    html = await stand.bot.send_message(ADA, "<b>a <i>b</i></b> &amp; <code>c</code>", parse_mode="HTML")
    markdown = await stand.bot.send_message(ADA, r"*a _b_* & `c` [d](https://e.example/)\.", parse_mode="MarkdownV2")
    assert html.text == "a b & c"
    assert {(e.type, e.offset, e.length) for e in html.entities or ()} == {
        ("bold", 0, 3),
        ("italic", 2, 1),
        ("code", 6, 1),
    }
    assert markdown.text == "a b & c d."
    assert {e.type for e in markdown.entities or ()} == {"bold", "italic", "code", "text_link"}


async def test_a_press_is_answered_once(stand: Stand) -> None:
    await stand.act("say", text="hello")
    said = await stand.bot.send_message(
        ADA, "?", reply_markup=inline(InlineKeyboardButton(text="Yes", callback_data="t1"))
    )
    await stand.act("press", message=said.message_id, id="0.0")
    query = (await stand.updates())[-1].callback_query
    assert query is not None
    assert (query.data, query.message and query.message.message_id) == ("t1", said.message_id)
    assert await stand.bot.answer_callback_query(query.id, text="Done")
    assert stand.sandbox.seen()["toast"] == "Done"
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await stand.bot.answer_callback_query(query.id)


async def test_edits_change_what_is_seen_and_must_change_something(stand: Stand) -> None:
    await stand.act("say", text="hello")
    said = await stand.bot.send_message(
        ADA, "one", reply_markup=inline(InlineKeyboardButton(text="a", callback_data="a"))
    )
    await stand.bot.edit_message_text("two", chat_id=ADA, message_id=said.message_id)
    seen = stand.messages()[-1]
    assert (seen["spans"][0]["text"], seen["edited"], seen["rows"]) == ("two", True, [])
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await stand.bot.edit_message_text("two", chat_id=ADA, message_id=said.message_id)
    await stand.bot.delete_message(ADA, said.message_id)
    assert stand.messages()[-1]["deleted"]


async def test_a_reply_keyboard_stands_below_the_chat_and_goes_after_use(stand: Stand) -> None:
    await stand.act("say", text="hello")
    keys = [[KeyboardButton(text="Red"), KeyboardButton(text="My number", request_contact=True)]]
    said = await stand.bot.send_message(
        ADA, "?", reply_markup=ReplyKeyboardMarkup(keyboard=keys, one_time_keyboard=True)
    )
    assert stand.chat()["keyboard"] == [[{"label": "Red", "ask": ""}, {"label": "My number", "ask": "contact"}]]
    with pytest.raises(TelegramBadRequest, match="message can't be edited"):
        await stand.bot.edit_message_text("x", chat_id=ADA, message_id=said.message_id)
    await stand.act("contact")
    assert stand.chat()["keyboard"] is None
    message = (await stand.updates())[-1].message
    assert message is not None
    assert message.contact is not None
    assert message.contact.user_id == ADA


async def test_files_go_both_ways(stand: Stand) -> None:
    await stand.act("upload", file=("a.png", "image/png", picture()), caption="look")
    message = (await stand.updates())[-1].message
    assert message is not None
    assert message.photo is not None
    got = await stand.bot.download(message.photo[-1].file_id)
    assert got is not None
    assert (got.read(), message.caption) == (picture(), "look")
    album = await stand.bot.send_media_group(
        ADA, [InputMediaPhoto(media=BufferedInputFile(picture(), f"{n}.png"), caption=str(n)) for n in range(2)]
    )
    assert len({each.media_group_id for each in album}) == 1
    document = await stand.bot.send_document(ADA, BufferedInputFile(b"text", "a.txt"))
    assert document.document is not None
    again = await stand.bot.send_document(ADA, document.document.file_id)
    assert [file["name"] for message in stand.messages() for file in message["files"]] == [
        "a.png",
        "0.png",
        "1.png",
        "a.txt",
        "a.txt",
    ]
    assert again.document is not None


async def test_a_file_over_20_mb_cannot_be_fetched(stand: Stand) -> None:
    await stand.act("upload", file=("a.bin", "application/zip", b"x" * (20 * 1024 * 1024 + 1)))
    message = (await stand.updates())[-1].message
    assert message is not None
    assert message.document is not None
    with pytest.raises(TelegramBadRequest, match="file is too big"):
        await stand.bot.get_file(message.document.file_id)


async def test_an_album_of_a_customer_shares_a_group(stand: Stand) -> None:
    await stand.act(
        "upload", file=("a.png", "image/png", picture()), file2=("b.png", "image/png", picture()), caption="two"
    )
    messages = [update.message for update in await stand.updates()]
    assert len({message and message.media_group_id for message in messages}) == 1
    assert [message and message.caption for message in messages] == ["two", None]


async def test_a_draft_is_shown_for_30_seconds_or_until_a_real_message(stand: Stand) -> None:
    await stand.act("say", text="hello")
    await stand.bot.send_message_draft(ADA, 5, text="so fa")
    assert [message["draft"] for message in stand.messages()] == [False, True]
    await stand.clock.advance(31)
    assert [message["draft"] for message in stand.messages()] == [False]
    await stand.bot.send_message_draft(ADA, 6, text="", can_stop=True)
    assert stand.messages()[-1]["draft"]
    await stand.bot.send_message(ADA, "so far so good")
    assert [message["draft"] for message in stand.messages()] == [False, False]


async def test_a_stopped_draft_is_told(stand: Stand) -> None:
    await stand.act("say", text="hello")
    with pytest.raises(BadAct, match="no draft"):
        await stand.act("stop")
    await stand.bot.send_message_draft(ADA, 6, text="so", can_stop=True)
    await stand.act("stop")
    stopped = (await stand.updates())[-1].stopped_message_generation
    assert stopped is not None
    assert (stopped.chat.id, stopped.draft_id) == (ADA, 6)


async def test_typing_fades_after_5_seconds_or_with_a_message(stand: Stand) -> None:
    await stand.act("say", text="hello")
    await stand.bot.send_chat_action(ADA, "typing")
    assert stand.chat()["typing"]
    await stand.clock.advance(6)
    assert stand.chat()["typing"] == ""
    await stand.bot.send_chat_action(ADA, "typing")
    await stand.bot.send_message(ADA, "x")
    assert stand.chat()["typing"] == ""


# Coming and going


async def test_a_bot_may_not_write_first_and_not_to_who_blocked_it(stand: Stand) -> None:
    with pytest.raises(TelegramForbiddenError, match="bot can't initiate conversation with a user"):
        await stand.bot.send_message(ADA, "x")
    await stand.act("open", payload="spring")
    await stand.bot.send_message(ADA, "x")
    await stand.act("member", what="block")
    with pytest.raises(TelegramForbiddenError, match="bot was blocked by the user"):
        await stand.bot.send_message(ADA, "x")
    await stand.act("member", what="unblock")
    await stand.bot.send_message(ADA, "x")
    updates = await stand.updates()
    assert updates[0].message is not None
    assert updates[0].message.text == "/start spring"
    changes = [u.my_chat_member.new_chat_member.status for u in updates if u.my_chat_member]
    assert changes == ["kicked", "member"]


async def test_in_groups_privacy_mode_hides_what_is_not_meant_for_the_bot(stand: Stand) -> None:
    group = (await stand.act("chat", kind="supergroup", title="Team"))["chat"]
    said = await stand.bot.send_message(group, "hello all")
    for words in ("not for it", "/help", "/help@sandbox_bot", "/help@other_bot", "hey @sandbox_bot"):
        await stand.act("say", group, text=words)
    await stand.act("say", group, text="a reply", reply_to=said.message_id)
    heard = [u.message.text for u in await stand.updates() if u.message]
    assert heard == ["/help", "/help@sandbox_bot", "hey @sandbox_bot", "a reply"]
    await stand.act("privacy", group, on=False)
    await stand.act("say", group, text="now it hears")
    message = (await stand.updates())[-1].message
    assert message is not None
    assert message.text == "now it hears"


async def test_a_topic_keeps_what_is_said_in_it(stand: Stand) -> None:
    forum = (await stand.act("chat", kind="forum", title="Forum", admin=True))["chat"]
    topic = await stand.act("chat", forum, kind="topic", title="Orders", parent=forum)
    await stand.act("say", topic["chat"], text="here")
    message = (await stand.updates())[-1].message
    assert message is not None
    assert (message.message_thread_id, message.is_topic_message) == (topic["thread"], True)
    await stand.bot.send_message(forum, "there", message_thread_id=topic["thread"])
    assert [m["spans"][0]["text"] for m in stand.messages(topic["chat"])] == ["here", "there"]
    await stand.bot.close_forum_topic(forum, topic["thread"])
    with pytest.raises(TelegramBadRequest, match="TOPIC_CLOSED"):
        await stand.bot.send_message(forum, "late", message_thread_id=topic["thread"])
    made = await stand.bot.create_forum_topic(forum, "More")
    assert (await stand.bot.send_message(forum, "x", message_thread_id=made.message_thread_id)).text == "x"


async def test_a_group_that_became_a_supergroup_tells_its_new_id(stand: Stand) -> None:
    group = (await stand.act("chat", kind="group", title="Team"))["chat"]
    new = (await stand.act("migrate", group))["chat"]
    with pytest.raises(TelegramMigrateToChat) as refused:
        await stand.bot.send_message(group, "x")
    assert refused.value.migrate_to_chat_id == int(new)
    told = [u.message for u in await stand.updates() if u.message]
    assert [(m.chat.id, m.migrate_to_chat_id, m.migrate_from_chat_id) for m in told] == [
        (int(group), int(new), None),
        (int(new), None, int(group)),
    ]


async def test_a_note_to_one_person_is_seen_by_that_person(stand: Stand) -> None:
    group = (await stand.act("chat", kind="supergroup", title="Team"))["chat"]
    note = await stand.bot.send_message(
        group, "for you", ephemeral_message_parameters=EphemeralMessageParameters(receiver_user_id=ADA)
    )
    assert (note.message_id, note.receiver_user and note.receiver_user.id) == (0, ADA)
    assert [(m["ephemeral"], m["to"]) for m in stand.messages(group)] == [(True, str(ADA))]


async def test_reactions_go_both_ways(stand: Stand) -> None:
    heard = await stand.act("say", text="hello")
    await stand.bot.set_message_reaction(ADA, int(heard["message"]), [ReactionTypeEmoji(emoji="👍")])
    assert stand.messages()[0]["reactions"] == [{"emoji": "👍", "count": 1}]
    await stand.bot.get_updates(allowed_updates=["message_reaction"], timeout=0)
    await stand.act("react", message=heard["message"], emoji="🔥")
    reaction = (await stand.updates())[-1].message_reaction
    assert reaction is not None
    assert [each.model_dump()["emoji"] for each in reaction.new_reaction] == ["🔥"]


async def test_a_business_account_is_spoken_for_within_its_rights(stand: Stand) -> None:
    made = await stand.act("business", name="Shop")
    await stand.act("say", made["chat"], text="is it open?")
    updates = await stand.updates()
    assert [update.event_type for update in updates] == ["business_connection", "business_message"]
    said = await stand.bot.send_message(ADA, "yes", business_connection_id=made["connection"])
    assert said.sender_business_bot is not None
    await stand.act("say", made["chat"], by=made["owner"], text="I answer myself")
    echo = (await stand.updates())[-1].business_message
    assert echo is not None
    assert (echo.chat.id, echo.from_user and str(echo.from_user.id)) == (ADA, made["owner"])
    await stand.act("business", connection=made["connection"], enabled=False)
    with pytest.raises(TelegramForbiddenError):
        await stand.bot.send_message(ADA, "yes", business_connection_id=made["connection"])


async def test_a_guest_message_is_answered_by_its_query(stand: Stand) -> None:
    from aiogram.types import InlineQueryResultArticle, InputTextMessageContent

    made = await stand.act("guest", text="@sandbox_bot help")
    message = (await stand.updates())[-1].guest_message
    assert message is not None
    assert message.guest_query_id is not None
    result = InlineQueryResultArticle(
        id="1", title="x", input_message_content=InputTextMessageContent(message_text="gladly")
    )
    await stand.bot.answer_guest_query(message.guest_query_id, result)
    assert stand.messages(made["chat"])[-1]["spans"][0]["text"] == "gladly"


async def test_two_bots_have_people_of_their_own() -> None:
    async with standing(tokens=("42:TEST", "43:TEST")) as stand:
        await stand.act("say", chat=f"43!{ADA}", text="to the second")
        second = bot_at(stand.address, "43:TEST")
        assert await stand.updates() == []
        assert len(await second.get_updates(timeout=0)) == 1
        await second.send_message(ADA, "from the second")
        await second.session.close()
        assert [len(stand.messages(name)) for name in (ADA, f"43!{ADA}")] == [0, 2]


# Faults on calls


async def test_flood_control_and_errors_by_script(stand: Stand) -> None:
    await stand.act("say", text="hello")
    stand.fault("sendMessage", status=429, after=3)
    with pytest.raises(TelegramRetryAfter) as flood:
        await stand.bot.send_message(ADA, "x")
    assert flood.value.retry_after == 3
    stand.fault("sendMessage", status=413)
    with pytest.raises(TelegramEntityTooLarge):
        await stand.bot.send_message(ADA, "x")
    stand.fault("sendMessage", status=404)
    with pytest.raises(TelegramNotFound):
        await stand.bot.send_message(ADA, "x")
    assert len(stand.messages()) == 1


@pytest.mark.parametrize(("fault", "messages"), [("cut", 1), ("accept_then_cut", 2)])
async def test_a_cut_connection_leaves_the_client_without_an_answer(stand: Stand, fault: str, messages: int) -> None:
    await stand.act("say", text="hello")
    stand.fault("sendMessage", **{fault: True})
    with pytest.raises(TelegramNetworkError):
        await stand.bot.send_message(ADA, "x")
    assert len(stand.messages()) == messages


async def test_a_person_cannot_do_what_the_app_has_not(stand: Stand) -> None:
    with pytest.raises(BadAct, match="there is no act 'dance'"):
        await stand.act("dance")
    with pytest.raises(BadAct, match="'say' needs 'text'"):
        await stand.act("say")
    with pytest.raises(BadAct, match="there is no chat '5'"):
        await stand.act("say", 5, text="x")
    await stand.act("say", text="x")
    with pytest.raises(BadAct, match=r"no button '0\.0'"):
        await stand.act("press", message=1, id="0.0")
