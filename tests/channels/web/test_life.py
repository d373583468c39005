"""How connections live and end: pings, silence, slow readers, and what is left of them afterwards."""

from __future__ import annotations

import asyncio
import uuid

import msgspec
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from bot.model import Said, text
from bot.ports import Drafted, Typed
from tests.channels.web.house import House, Visitor, opened, until

BIG = "x" * 8000


async def test_a_line_is_pinged_every_ten_seconds_and_answers(house: House, visitor: Visitor) -> None:
    reader = await visitor.socket()
    for count in range(1, 13):
        await house.clock.advance(10)
        await reader.next("ping", count)
        await reader.post({"frame": "pong"})
        await reader.send({"frame": "older", "before": 0})  # The pong was read by now.
    assert len(reader.of("ping")) == 12
    assert not reader.is_over
    await reader.close()


async def test_a_silent_line_is_closed_after_thirty_seconds(house: House, visitor: Visitor) -> None:
    reader = await visitor.socket()
    await reader.send({"frame": "older", "before": 0})
    await house.clock.advance(29)
    assert not reader.is_over
    await house.clock.advance(12)
    await reader.over()
    assert reader.connection.close_code == 1001
    assert len(reader.of("ping")) <= 3


async def test_who_never_says_hello_is_closed(house: House, visitor: Visitor) -> None:
    reader = await visitor.bare_socket()
    for _ in range(4):
        await reader.post({"frame": "pong"})
        await reader.say("x")
        await house.clock.advance(10)
    await reader.over()
    assert reader.of("ping") == []


async def test_a_stream_is_kept_alive_by_comments(house: House, visitor: Visitor) -> None:
    reader = await visitor.stream()
    for _ in range(7):
        await house.clock.advance(10)
    await reader.until(lambda: reader.comments == 7)
    assert reader.of("ping") == []
    await reader.close()


async def test_a_reader_that_does_not_keep_up_is_cut_and_resumes(house: House, visitor: Visitor, carrier: str) -> None:
    reader = await visitor.read(carrier)
    await reader.say("0")
    await reader.holds(1)
    conversation = await house.conversation(visitor.identity, reader.thread)
    slow = await raw_reader(visitor, carrier, reader.thread)
    lines = house.lines()
    assert len(lines) == 2
    # 24 MB that nobody takes: more than the kernel holds for a socket, and more than we do.
    for number in range(1, 3001):
        await house.write(conversation, Said(text(f"{number} {BIG}")))
        if not number % 50:
            await reader.holds(number + 1)
    assert reader.gaps == []
    queued = sum(sum(len(frame) for frame, _ in line._queue) for line in lines)
    assert queued < 2 * 1024 * 1024
    assert [line.cut_with for line in lines].count(1013) == 1
    slow.close()
    again = await visitor.read(carrier, reader.thread, 2990)
    await again.holds(11)
    assert again.texts[-1].startswith("3000 ")
    await again.close()
    await reader.close()


async def raw_reader(visitor: Visitor, carrier: str, thread: str) -> asyncio.StreamWriter:
    """Says hello and then takes nothing."""
    reader, writer = await asyncio.open_connection("127.0.0.1", visitor.house.port, limit=1024)
    common = f"Host: x\r\nOrigin: {visitor.origin}\r\n"
    if carrier == "stream":
        path = f"/api/widget/stream?conversation={thread}&after=1"
        writer.write(f"GET {path} HTTP/1.1\r\n{common}Authorization: Bearer {visitor.token}\r\n\r\n".encode())
    else:
        upgrade = (
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        )
        hello = msgspec.json.encode({"frame": "hello", "token": visitor.token, "conversation": thread, "after": 1})
        writer.write(f"GET /ws/widget HTTP/1.1\r\n{common}{upgrade}\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        writer.write(bytes((0x81, 0x80 | 126)) + len(hello).to_bytes(2) + bytes(4) + hello)
    await writer.drain()
    await until(lambda: len(visitor.house.lines()) == 2)
    return writer


async def test_under_a_server_that_cannot_write_at_once_all_is_told_in_order() -> None:
    import httpx2

    async with (
        opened(ws=WebSocketsSansIOProtocol) as house,
        httpx2.AsyncClient(base_url=house.url, trust_env=False) as http,
    ):
        visitor = Visitor(house, http)
        await visitor.sign_in()
        reader = await visitor.socket()
        await reader.say("0")
        conversation = await house.conversation(visitor.identity, reader.thread)
        for number in range(1, 51):
            await house.say(conversation, str(number))
        await reader.holds(51)
        assert (reader.texts, reader.gaps) == ([str(number) for number in range(51)], [])
        await reader.close()


async def test_what_is_being_accepted_is_not_cut_in_half(house: House, visitor: Visitor) -> None:
    reader = await visitor.socket()
    house.receive.held = asyncio.Event()
    await reader.post({"frame": "say", "id": str(uuid.uuid4()), "text": "x"})
    await until(lambda: len(house.receive.arrivals) == 1)
    await house.clock.advance(60)
    assert not reader.is_over
    house.receive.held.set()
    await reader.over()
    assert (house.receive.accepted, reader.connection.close_code) == (1, 1001)


async def test_a_reader_under_pressure_is_spared_drafts_and_then_has_the_whole(house: House, visitor: Visitor) -> None:
    reader = await visitor.socket()
    await reader.say("0")
    conversation = await house.conversation(visitor.identity, reader.thread)
    await reader.holds(1)
    for number in range(20):
        house.publish(Typed(conversation, "agent", f"Mara {number}", "", 1.0))  # Nothing is sent before we wait.
    house.publish(Drafted(conversation, 0, 1, 0, 0, "It left "))
    await reader.next("typing", 20)
    house.publish(Drafted(conversation, 0, 1, 1, 8, "our depot"))
    await house.clock.advance(0.1)
    frame = await reader.next("draft")
    assert (frame["start"], frame["text"], frame["n"]) == (0, "It left our depot", 1)
    await reader.close()


async def test_nothing_is_left_of_connections_that_are_over(house: House, visitor: Visitor) -> None:
    door = house.web._door
    for _ in range(20):
        socket, stream = await visitor.socket(), await visitor.stream(uuid.uuid4().hex)
        await socket.say("x")
        await socket.cut()
        await stream.cut()

    def is_clean() -> bool:
        return not (len(door.connections) or len(door.visitors) or any(door._slots))

    await until(is_clean)
    assert len(door.hall) == 1  # The conversation lingers.
    await house.clock.advance(31)
    assert len(door.hall) == 0
    assert house.bus._listeners == {}
    assert [task for task in asyncio.all_tasks() if "Line" in repr(task.get_coro())] == []


async def test_an_idle_connection_has_no_task_of_ours(house: House, visitor: Visitor) -> None:
    before = len(asyncio.all_tasks())
    readers = [await visitor.socket() for _ in range(5)]
    await house.clock.advance(10)
    for reader in readers:
        await reader.next("ping")
        await reader.send({"frame": "older", "before": 0})
    # For each the server's own, in which we wait for the client, and the one by which the test reads.
    assert len(asyncio.all_tasks()) - before == 5 * 2
    for reader in readers:
        await reader.close()


async def test_who_comes_while_the_program_stops_is_told_to_come_again(house: House, visitor: Visitor) -> None:
    before = await visitor.socket()
    house.web.admit_no_more()
    late = await visitor.bare_socket()
    await late.over()
    assert [(frame["code"], frame["wait"]) for frame in late.told] == [("unavailable", 2.0)]
    assert late.connection.close_code == 1012
    stream = await visitor.http.get("/api/widget/stream", headers=visitor.headers())
    assert (stream.status_code, stream.headers["retry-after"]) == (503, "2")
    assert (await before.say("Still here"))["frame"] == "ack"
    await before.close()


async def test_stopping_ends_every_connection_and_leaves_no_task() -> None:
    import httpx2

    async with opened() as house, httpx2.AsyncClient(base_url=house.url, trust_env=False) as http:
        visitor = Visitor(house, http)
        await visitor.sign_in()
        sockets = [await visitor.socket() for _ in range(3)]
        streams = [await visitor.stream() for _ in range(3)]
        await sockets[0].say("x")
        conversation = await house.conversation(visitor.identity, sockets[0].thread)
        house.publish(Drafted(conversation, 0, 1, 0, 0, "It"))
    for reader in (*sockets, *streams):
        await reader.over()
    assert [socket.connection.close_code for socket in sockets] == [1012] * 3
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
