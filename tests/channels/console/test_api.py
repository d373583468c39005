"""The console's HTTP API: every route guarded, every refusal a problem, every command once."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Route, WebSocketRoute

from bot.clean import clean
from bot.desk import request
from bot.errors import StoreDown
from bot.fetcher import Fetcher
from bot.model import (
    ConversationId,
    Frame,
    HandoffId,
    Noted,
    Returned,
    Said,
    State,
    text,
)
from bot.ports import Drafted, Question, Unit
from bot.units import Commit, Deliveries, NewHandoff, SendClaim
from channels.console import api
from channels.console.console import Console, ConsoleSettings
from channels.console.frames import Counts, Detail, Done, DraftText, Events, Identities, People, Problem, Rows, SlotView
from config.schema import components
from tests.bot.room import LEASE, notices
from tests.channels.console.conftest import HERE, Browser, Place, problem, read

NOBODYS = ConversationId("0" * 32)
COMMANDS: dict[str, dict[str, object]] = {
    "take-over": {"epoch": 0},
    "reply": {"text": "hi", "seen": 1, "epoch": 0, "claim": True},
    "note": {"text": "hm"},
    "hand-back": {"epoch": 0},
    "resolve": {"epoch": 0},
}


@pytest.fixture
async def jo(place: Place) -> Browser:
    return await place.signed_in(place.jo)


@pytest.fixture
async def kim(place: Place) -> Browser:
    return await place.signed_in(place.kim)


# Every route


def api_routes(place: Place) -> Iterator[APIRoute]:
    for route in place.console.router().routes:
        assert isinstance(route, APIRoute)
        yield route


async def test_every_route_names_its_rule(place: Place) -> None:
    rules = {place.console._gate.anyone, place.console._gate.agent}
    without = [route.path for route in api_routes(place) if rules.isdisjoint(api._calls(route.dependant))]
    assert without == []


async def test_a_route_without_a_rule_cannot_be_made(place: Place) -> None:
    async def forgotten() -> None: ...

    with pytest.raises(TypeError, match="who may ask"):
        place.console.router().add_api_route("/forgotten", forgotten)


async def test_beside_the_api_there_are_the_socket_and_the_page(place: Place) -> None:
    kinds = [(type(route), getattr(route, "path", "")) for route in place.console.routes()]
    assert kinds == [(WebSocketRoute, "/ws/console"), (Route, "/console"), (Route, "/console/{path:path}")]


async def test_nobody_gets_in_without_a_sign_in(place: Place) -> None:
    stranger = place.browser()
    answers = dict[str, Any]()
    for route in api_routes(place):
        for method in route.methods or ():
            if route.include_in_schema and route.operation_id != "console_sign_in":
                path = (
                    route.path.replace("{conversation}", NOBODYS).replace("{seq}/{part}", "1/0").replace("{seq}", "1")
                )
                answer = await stranger.http.request(method, path, headers={"Origin": HERE})
                answers[f"{method} {path}"] = problem(answer)
    assert len(answers) == 20
    assert set(answers.values()) == {(401, "signed_out")}


async def test_every_answer_is_headed_safely(place: Place, jo: Browser) -> None:
    answers = [
        await jo.get("/me"),
        await place.browser().get("/me"),
        await jo.get("/nowhere"),
        await jo.post("/sign-out", headers={"Origin": "https://evil.example"}),
        await jo.post(f"/conversations/{NOBODYS}/note", content=b"x" * 100_000),
    ]
    assert [answer.status_code for answer in answers] == [200, 401, 404, 403, 413]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert answer.headers["cache-control"] == "no-store"


async def test_what_is_nowhere_is_a_problem(jo: Browser) -> None:
    assert problem(await jo.get("/nowhere")) == (404, "not_found")
    assert problem(await jo.post("/nowhere")) == (404, "not_found")
    assert problem(await jo.get("/conversations/x/events/y")) == (404, "not_found")
    assert problem(await jo.post("/me")) == (405, "invalid")
    assert problem(await jo.http.request("DELETE", "/api/console/views", headers={"Origin": HERE})) == (405, "invalid")


@pytest.mark.parametrize("id", ["x", "0" * 31, "0" * 33, "G" * 32, "%00", "0" * 31 + "%0A", "%ED%A0%80", "..%2f.."])
async def test_what_is_no_id_is_not_found(jo: Browser, id: str) -> None:
    assert problem(await jo.get(f"/conversations/{id}")) == (404, "not_found")
    assert problem(await jo.post(f"/conversations/{id}/note", {"text": "hm"})) == (404, "not_found")


async def test_an_unknown_conversation_is_not_found(jo: Browser) -> None:
    assert problem(await jo.get(f"/conversations/{NOBODYS}")) == (404, "not_found")
    assert problem(await jo.get(f"/conversations/{NOBODYS}/events")) == (404, "not_found")
    for call, body in COMMANDS.items():
        assert problem(await jo.post(f"/conversations/{NOBODYS}/{call}", body)) == (404, "not_found")


async def test_the_description_is_complete(place: Place) -> None:
    described = place.app.openapi()
    names = {*described["components"]["schemas"], *components()}
    mentioned = set(_refs(described))
    assert {ref.removeprefix("#/components/schemas/") for ref in mentioned} <= names
    operations = [one["operationId"] for path in described["paths"].values() for one in path.values()]
    assert sorted(operations) == [
        "console_conversation",
        "console_conversations",
        "console_event",
        "console_events",
        "console_file",
        "console_hand_back",
        "console_identities",
        "console_me",
        "console_merge",
        "console_note",
        "console_people",
        "console_reply",
        "console_resolve",
        "console_revise",
        "console_sign_in",
        "console_sign_out",
        "console_take_over",
        "console_unmerge",
        "console_upload",
        "console_views",
        "console_withdraw",
    ]


def _refs(found: object) -> Iterator[str]:
    match found:
        case {"$ref": str(ref)}:
            yield ref
        case dict():
            for value in found.values():
                yield from _refs(value)
        case list():
            for value in found:
                yield from _refs(value)


# Reading


async def test_the_queue_shows_who_waits(place: Place, jo: Browser) -> None:
    id = await place.room.says("where is my parcel", by="ana")
    rows = read(await jo.get("/conversations", view="bot"), Rows)
    (row,) = rows.items
    assert (row.id, row.channel, row.customer, row.language) == (id, "telegram", "Ana", "es")
    assert (row.last_by, row.last_text, row.unread, row.last_seq) == ("customer", "where is my parcel", 1, 1)
    assert rows.next is None
    assert read(await jo.get("/conversations", view="unassigned"), Rows).items == ()


async def test_the_views_are_counted(place: Place, jo: Browser) -> None:
    id = await place.room.says("hello")
    await place.room.says("hello", by="ben")
    await jo.act(id, "take-over", {"epoch": 0})
    views = read(await jo.get("/views"), Counts).views
    assert (views["mine"], views["bot"], views["all"], views["resolved"]) == (1, 1, 2, 0)


async def test_the_queue_comes_in_pages(place: Place, jo: Browser) -> None:
    ids = set[str]()
    for n in range(5):
        ids.add(await place.room.says("hello", by=f"customer{n}"))
        await place.room.clock.advance(1)
    seen, cursor = list[str](), ""
    while True:
        query = {"cursor": cursor} if cursor else {}
        page = read(await jo.get("/conversations", view="all", most=2, **query), Rows)
        seen += [row.id for row in page.items]
        if page.next is None:
            break
        cursor = page.next
    assert len(seen) == 5
    assert set(seen) == ids


@pytest.mark.parametrize(
    ("search", "found"), [("ana", 1), ("PARCEL", 1), ("nobody", 0), ("%", 0), ("_", 0), ("\x00", 2), ("\\", 0)]
)
async def test_the_queue_is_searched(place: Place, jo: Browser, search: str, found: int) -> None:
    await place.room.says("hello", by="ana")
    await place.room.says("my parcel", by="ben")
    assert len(read(await jo.get("/conversations", q=search), Rows).items) == found


@pytest.mark.parametrize(
    "query",
    [
        {"view": "secrets"},
        {"most": 0},
        {"most": 1000},
        {"most": "x"},
        {"q": "x" * 300},
        {"cursor": "nonsense"},
        {"cursor": "\x00"},
        {"cursor": "é💥"},
        {"cursor": "w." + "9" * 40 + ".x"},
        {"cursor": "l.1e9.x"},
    ],
    ids=str,
)
async def test_a_query_that_makes_no_sense_is_refused(place: Place, jo: Browser, query: dict[str, str | int]) -> None:
    await place.room.says("hello")
    assert problem(await jo.get("/conversations", **query)) == (422, "invalid")


async def test_a_conversation_is_opened_with_what_stands_beside_it(place: Place, jo: Browser) -> None:
    id = await place.room.says("hello")
    await place.room.answers(id, "Hi Ana.")
    detail = read(await jo.get(f"/conversations/{id}"), Detail)
    assert detail.events == await place.room.log(id)
    assert (detail.more, detail.draft) == (False, None)
    assert (detail.row.id, detail.row.last_text) == (id, "Hi Ana.")
    assert (detail.customer.name, detail.customer.conversations) == ("Ana", 1)


async def test_private_slots_are_shown_masked(place: Place) -> None:
    room = place.room
    console = Console(
        room.store,
        room.bus,
        room.desk,
        room.clock,
        room.random,
        ConsoleSettings(),
        passwords=place.passwords,
        is_private=lambda flow, slot: (flow, slot) in {("order", "card"), ("", "email")},
        files=place.files,
        fetcher=Fetcher((), place.files, room.clock),
    )
    app = FastAPI()
    app.include_router(console.router())
    browser = place.browser(app=app)
    await browser.sign_in(place.jo)
    id = await room.says("hello")
    claimed = await room.claim(id)
    now = claimed.conversation
    frame = Frame(1, "order", "1", slots={"card": "4111 1111 1111 1111", "size": 7})
    state = State((frame,), {"email": "ana@mail.example", "city": "Lyon"}, frames=1)
    await room.store.write(
        Commit(
            conversation=id,
            fence=now.fence,
            epoch=0,
            turn=0,
            heard=1,
            entries=(),
            state=state,
            language="es",
            at=room.clock.now(),
        )
    )

    answer = await browser.get(f"/conversations/{id}")

    detail = read(answer, Detail)
    assert detail.slots == (
        SlotView("", "email", "••••••le"),
        SlotView("", "city", "Lyon"),
        SlotView("order", "card", "••••••11"),
        SlotView("order", "size", 7),
    )
    assert "4111" not in answer.text
    assert "ana@mail" not in answer.text


async def test_a_draft_being_written_is_there_when_one_opens_it(place: Place, jo: Browser) -> None:
    id = await place.room.says("hello")
    bus = place.room.bus
    bus.publish(Drafted(id, 0, 1, 1, 0, "Your parcel "))
    bus.publish(Drafted(id, 0, 1, 2, 12, "is on its way."))
    detail = read(await jo.get(f"/conversations/{id}"), Detail)
    assert detail.draft == DraftText(0, 1, "Your parcel is on its way.")

    await place.room.answers(id, "Your parcel is on its way.")
    await jo.act(id, "take-over", {"epoch": 0})
    assert read(await jo.get(f"/conversations/{id}"), Detail).draft is None


async def test_a_torn_draft_is_not_shown(place: Place, jo: Browser) -> None:
    id = await place.room.says("hello")
    place.room.bus.publish(Drafted(id, 0, 1, 1, 0, "Your parcel "))
    place.room.bus.publish(Drafted(id, 0, 1, 3, 20, "its way."))
    assert read(await jo.get(f"/conversations/{id}"), Detail).draft is None


async def test_a_long_log_is_read_both_ways(place: Place, jo: Browser) -> None:
    id = await place.room.says("hello")
    for n in range(9):
        await place.room.desk.note(id, place.jo, f"note {n}")

    async def page(**query: int) -> tuple[list[int], int | None]:
        events = read(await jo.get(f"/conversations/{id}/events", most=4, **query), Events)
        return [event.seq for event in events.items], events.next

    assert await page(after=0) == ([1, 2, 3, 4], 4)
    assert await page(after=4) == ([5, 6, 7, 8], 8)
    assert await page(after=8) == ([9, 10], None)
    assert await page() == ([7, 8, 9, 10], 7)
    assert await page(before=7) == ([3, 4, 5, 6], 3)
    assert await page(before=3) == ([1, 2], None)
    assert await page(after=2, before=5) == ([3, 4], None)
    assert await page(after=2**53 - 1) == ([], None)


@pytest.mark.parametrize(
    "query", [{"after": -1}, {"after": 2**64}, {"before": "x"}, {"most": 0}, {"most": 201}], ids=str
)
async def test_a_range_that_makes_no_sense_is_refused(place: Place, jo: Browser, query: dict[str, str | int]) -> None:
    id = await place.room.says("hello")
    assert problem(await jo.get(f"/conversations/{id}/events", **query)) == (422, "invalid")


# Commands


async def test_an_agent_takes_over_speaks_and_hands_back(place: Place, jo: Browser) -> None:
    id = await place.room.says("hello")
    taken = await jo.act(id, "take-over", {"epoch": 0})
    assert (taken.row.control.state, taken.row.control.holder_name, taken.row.control.epoch) == ("human", "Jo", 1)
    said = await jo.act(id, "reply", {"text": "hi **Ana**", "seen": taken.seq, "epoch": 1})
    assert (said.row.last_by, said.row.last_text, said.row.last_seq) == ("agent", "hi Ana", said.seq)
    back = await jo.act(id, "hand-back", {"epoch": 1, "verdict": "approve", "instruction": "three days"})
    assert (back.row.control.state, back.row.control.epoch) == ("bot", 2)
    assert (await place.room.log(id))[-1].body == Returned("resume", "Jo", "three days", "approve")
    closed = await jo.act(id, "resolve", {"epoch": 2, "reason": "done"})
    assert (closed.row.status, closed.row.control.epoch) == ("resolved", 3)


async def test_a_hand_back_to_a_step_that_there_is_not_is_refused(place: Place, jo: Browser) -> None:
    id = await place.room.says("hello")
    await jo.act(id, "take-over", {"epoch": 0})
    answer = await jo.post(f"/conversations/{id}/hand-back", {"epoch": 1, "how": "step", "step": "ask_nothing"})
    assert problem(answer) == (422, "invalid")
    assert "no flow in progress has a step 'ask_nothing'" in answer.json()["text"]


async def test_a_takeover_names_what_may_still_arrive(place: Place, jo: Browser) -> None:
    id = await place.room.says("hello")
    await place.room.answers(id, "One moment.", "It is on its way.")
    (sending,) = await place.room.store.write(
        SendClaim(lease=LEASE, most=1, channels=frozenset({("telegram", "shop")}))
    )
    taken = await jo.act(id, "take-over", {"epoch": 0})
    assert taken.in_flight == sending.seq


async def test_two_agents_take_over_at_once_one_is_told_who_has_it(place: Place, jo: Browser, kim: Browser) -> None:
    id = await place.room.says("hello")
    path, body = f"/conversations/{id}/take-over", {"epoch": 0}
    answers = await asyncio.gather(jo.post(path, body), kim.post(path, body))

    won, lost = sorted(answers, key=lambda answer: answer.status_code)
    assert won.status_code == 200
    assert problem(lost) == (409, "control")
    assert read(lost, Problem).row == read(won, Done).row
    assert read(won, Done).row.control.holder_name in lost.json()["text"]


async def test_a_reply_over_the_bot_is_refused_with_the_row(place: Place, jo: Browser) -> None:
    id = await place.room.says("hello")
    answer = await jo.post(f"/conversations/{id}/reply", {"text": "hi", "seen": 1, "epoch": 0})
    assert problem(answer) == (409, "control")
    row = read(answer, Problem).row
    assert row
    assert row.control.state == "bot"
    assert len(await place.room.log(id)) == 1


async def test_newer_messages_come_with_the_refusal_and_can_be_sent_past(place: Place, jo: Browser) -> None:
    id = await place.room.says("hello")
    seen = (await jo.act(id, "take-over", {"epoch": 0})).seq
    await place.room.says("one more thing")
    await place.room.desk.note(id, place.kim, "not counted")
    await place.room.says("and another")

    answer = await jo.post(f"/conversations/{id}/reply", {"text": "bye", "seen": seen, "epoch": 1})
    assert problem(answer) == (409, "newer")
    missed = read(answer, Problem).events
    assert missed == tuple(event for event in await place.room.log(id, after=seen) if not isinstance(event.body, Noted))

    anyway = {"text": "bye", "seen": missed[-1].seq, "epoch": 1}
    await jo.act(id, "reply", anyway)
    assert [event.body for event in await place.room.log(id)].count(_said("bye")) == 1


def _said(words: str) -> Said:
    return Said(text(words))


@pytest.mark.parametrize("call", COMMANDS)
async def test_a_repeat_under_one_key_is_done_once(place: Place, jo: Browser, call: str) -> None:
    id = await place.room.says("hello")
    if call == "hand-back":
        await jo.act(id, "take-over", {"epoch": 0})
    body = COMMANDS[call] | ({"epoch": 1} if call == "hand-back" else {})
    key = str(uuid.uuid4())
    first = await jo.act(id, call, body, key=key)
    await place.room.desk.note(id, place.kim, "meanwhile")
    log = await place.room.log(id)

    again = [await jo.act(id, call, body, key=one) for one in (key, key.upper(), "{" + key + "}")]

    assert [done.seq for done in again] == [first.seq] * 3
    assert await place.room.log(id) == log


async def test_repeats_at_once_are_done_once(place: Place, jo: Browser) -> None:
    id = await place.room.says("hello")
    key = str(uuid.uuid4())
    done = await asyncio.gather(*(jo.act(id, "reply", COMMANDS["reply"], key=key) for _ in range(5)))
    assert {one.seq for one in done} == {4}
    assert len(await place.room.log(id)) == 4


@pytest.mark.parametrize("key", [None, "", "x", "0" * 31, "g" * 32], ids=["none", "empty", "short", "nearly", "no-hex"])
async def test_a_command_needs_a_key(place: Place, jo: Browser, key: str | None) -> None:
    id = await place.room.says("hello")
    answer = await jo.post(f"/conversations/{id}/note", {"text": "hm"}, headers={"Idempotency-Key": key})
    assert problem(answer) == (422, "invalid")
    assert len(await place.room.log(id)) == 1


async def test_a_note_is_seen_by_colleagues_only(place: Place, jo: Browser, kim: Browser) -> None:
    id = await place.room.says("hello")
    done = await jo.act(id, "note", {"text": "CANARY"})
    note = (await place.room.log(id))[-1]
    assert (note.seq, note.body, note.public) == (done.seq, Noted("CANARY"), False)
    assert "CANARY" in (await kim.get(f"/conversations/{id}")).text
    assert "CANARY" not in (await kim.get("/conversations")).text
    assert await place.room.store.read(Deliveries(id)) == ()


async def test_an_agent_changes_and_takes_back_what_they_have_sent(place: Place, jo: Browser, kim: Browser) -> None:
    id = await place.room.says("hello")
    said = await jo.act(id, "reply", {"text": "It cots 5.", "seen": 1, "epoch": 0, "claim": True})
    message = f"/conversations/{id}/messages/{said.seq}"
    key = str(uuid.uuid4())
    for _ in range(2):
        answer = await jo.post(f"{message}/revise", {"text": "It costs **5**."}, headers={"Idempotency-Key": key})
        assert read(answer, Done).row.last_text == "It costs 5."
    assert problem(await kim.post(f"{message}/revise", {"text": "Mine."})) == (422, "invalid")
    assert problem(await jo.post(f"/conversations/{id}/messages/1/withdraw", {})) == (422, "invalid")
    assert problem(await jo.post(f"/conversations/{id}/messages/999/withdraw", {})) == (404, "not_found")
    await jo.post(f"{message}/withdraw", {})
    bodies = [event.body for event in await place.room.log(id) if isinstance(event.body, Said)]
    assert [(body.message.parts == (), body.revises) for body in bodies[-2:]] == [(False, said.seq), (True, said.seq)]
    shown = read(await jo.get(f"/conversations/{id}"), Detail)
    assert shown.can == ("delete", "edit")


async def test_the_reason_of_a_request_stands_in_its_row(place: Place, jo: Browser) -> None:
    id = await place.room.says("a person please")
    claimed = await place.room.claim(id)
    now = claimed.conversation
    handoff = NewHandoff(id=HandoffId(place.room.random.id()), reason="asked", queue="", note="wants a person")
    control, entries = request(now, handoff, at=place.room.clock.now(), notices=notices, deliver=True)
    await place.room.store.write(
        Commit(
            conversation=id,
            fence=now.fence,
            epoch=0,
            turn=0,
            heard=1,
            entries=entries,
            state=claimed.state,
            language="es",
            at=place.room.clock.now(),
            control=control,
            handoff=handoff,
        )
    )
    (row,) = read(await jo.get("/conversations", view="unassigned"), Rows).items
    assert (row.reason, row.note, row.control.state) == ("asked", "wants a person", "queued")
    assert row.waiting_since == place.room.clock.now()
    assert read(await jo.get("/conversations", view="needs-reply"), Rows).items == (row,)


# Bad bodies

BODIES: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"{",
    "not an object": b"[]",
    "a text": b'"hi"',
    "null": b"null",
    "empty": b"{}",
    "a number for a text": b'{"text": 1}',
    "an object for a text": b'{"text": {"$gt": ""}}',
    "a list for a text": b'{"text": ["hi"]}',
    "null for a text": b'{"text": null}',
    "an empty text": b'{"text": ""}',
    "only white space": b'{"text": " \\n\\t "}',
    "only NUL": b'{"text": "\\u0000"}',
    "a field too many": b'{"text": "hi", "public": true}',
    "too long": json.dumps({"text": "x" * 9000}).encode(),
    "too many bytes": json.dumps({"text": "é" * 5000}, ensure_ascii=False).encode(),
    "huge": b'{"text": "' + b"x" * 10_000_000 + b'"}',
    "deep": b'{"text": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "deep and cut": b"[" * 60_000,
    "many keys": b"{" + b",".join(b'"k%d":1' % n for n in range(5000)) + b"}",
    "a lone surrogate": b'{"text": "\\ud800"}',
    "a lone surrogate as a key": b'{"text": "hi", "\\udfff": 1}',
    "broken UTF-8": b'{"text": "\xff\xfe"}',
    "overlong UTF-8": b'{"text": "\xc0\x80"}',
    "NaN": b'{"text": NaN}',
    "a huge integer": b'{"text": ' + b"9" * 10_000 + b"}",
    "a huge exponent": b'{"text": 1e400}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
async def test_a_bad_body_is_refused_with_a_reason(place: Place, jo: Browser, body: bytes) -> None:
    id = await place.room.says("hello")
    status, code = problem(await jo.post(f"/conversations/{id}/note", content=body))
    assert status in (400, 413, 422)
    assert code == "invalid"
    assert len(await place.room.log(id)) == 1


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
async def test_a_bad_body_is_refused_at_the_door_too(place: Place, body: bytes) -> None:
    status, _ = problem(await place.browser().post("/sign-in", content=body))
    assert status in (400, 413, 422)


@pytest.mark.parametrize("epoch", ["0", 0.0, 0.5, True, None, -1, 2**53, 10**400, [0]], ids=str)
@pytest.mark.parametrize("call", ["take-over", "reply", "hand-back", "resolve"])
async def test_an_epoch_is_a_whole_number(place: Place, jo: Browser, call: str, epoch: object) -> None:
    id = await place.room.says("hello")
    body = json.dumps(COMMANDS[call] | {"epoch": epoch}).encode()
    status, _ = problem(await jo.post(f"/conversations/{id}/{call}", content=body))
    assert status in (400, 422)
    assert len(await place.room.log(id)) == 1


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_only_json_is_read(place: Place, jo: Browser, kind: str | None) -> None:
    id = await place.room.says("hello")
    answer = await jo.post(f"/conversations/{id}/note", {"text": "hm"}, headers={"Content-Type": kind})
    assert problem(answer)[0] in (400, 422)
    assert len(await place.room.log(id)) == 1


async def test_what_was_sent_is_not_repeated_in_the_refusal(place: Place) -> None:
    answer = await place.browser().post("/sign-in", {"email": "jo@shop.example", "password": ["SECRET"]})
    assert problem(answer) == (422, "invalid")
    assert "SECRET" not in answer.text


@pytest.mark.parametrize(
    "words",
    ["a\x00b", "\u202eabc", "e\u0301" * 100, "👨‍👩‍👧‍👦", "<script>alert(1)</script>", "{{7*7}}", "'; drop table event"],
)
async def test_awkward_words_are_kept_as_they_are_or_cleaned(place: Place, jo: Browser, words: str) -> None:
    id = await place.room.says("hello")
    await jo.act(id, "note", {"text": words})
    assert (await place.room.log(id))[-1].body == Noted(clean(words))


# When the store is down


class Down:
    async def write(self, unit: Unit[Any], /) -> Any:
        raise StoreDown("the disk is full")

    async def read(self, question: Question[Any], /) -> Any:
        raise StoreDown("the disk is full")

    async def close(self) -> None: ...


async def test_a_store_that_is_down_is_no_crash(place: Place) -> None:
    room = place.room
    store = Down()
    console = Console(
        store,
        room.bus,
        room.desk,
        room.clock,
        room.random,
        ConsoleSettings(),
        passwords=place.passwords,
        files=place.files,
        fetcher=Fetcher((), place.files, room.clock),
    )
    app = FastAPI()
    app.include_router(console.router())
    browser = place.browser(app=app)
    browser.http.cookies.set("frontdesk_dev", "x" * 44)
    for answer in (await browser.sign_in(place.jo), await browser.get("/me"), await browser.get("/conversations")):
        assert problem(answer) == (503, "unavailable")
        assert answer.headers["retry-after"] == "1"


# People on several channels


async def identities(browser: Browser, id: ConversationId) -> Identities:
    return read(await browser.get(f"/conversations/{id}/identities"), Identities)


async def test_two_contacts_become_one_and_an_identity_goes_back(place: Place, jo: Browser) -> None:
    here, there = await place.room.says("hello", by="ana"), await place.room.says("hi", by="ana2", channel="web")
    first, second = await identities(jo, here), await identities(jo, there)
    merged = read(await jo.post(f"/contacts/{first.contact}/merge", {"contact": second.contact}), Identities)
    assert [(each.channel, each.external, each.merged) for each in merged.items] == [
        ("telegram", "ana", False),
        ("web", "ana2", True),
    ]
    assert await identities(jo, there) == merged
    back = read(await jo.post("/contacts/unmerge", {"channel": "web", "external": "ana2"}), Identities)
    assert (back.contact, [each.merged for each in back.items]) == (second.contact, [False])
    assert await identities(jo, here) == first


async def test_customers_are_looked_for_by_name_or_address(place: Place, jo: Browser) -> None:
    await place.room.says("hello", by="ana")
    found = read(await jo.get("/contacts", q="AN"), People)
    assert [(each.identities, each.conversations) for each in found.items] == [((("telegram", "ana"),), 1)]
    assert read(await jo.get("/contacts", q="nobody"), People).items == ()
    assert problem(await jo.get("/contacts", q="a")) == (422, "invalid")


async def test_what_cannot_be_merged_is_refused(place: Place, jo: Browser) -> None:
    first = (await identities(jo, await place.room.says("hello"))).contact
    for path, body in (
        (f"/contacts/{first}/merge", {"contact": first}),
        (f"/contacts/{NOBODYS}/merge", {"contact": first}),
        ("/contacts/unmerge", {"channel": "telegram", "external": "ana"}),
    ):
        assert problem(await jo.post(path, body)) == (404, "not_found")
    assert problem(await jo.post(f"/contacts/{first}/merge", {"contact": "x"}))[0] == 422
