"""The gateway: HELLO, IDENTIFY, heartbeats, events in order, RESUME that replays them by number, close codes.

Source: Discord's documentation, "Gateway" and "Gateway events". Sessions outlive connections by `RESUMED_FOR`.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.ports import Clock
from channels.sandbox.discord.world import World
from channels.sandbox.faults import Do, Faults
from channels.sandbox.journal import Journal

Wire = dict[str, Any]

DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, VOICE_STATE, RESUME = 0, 1, 2, 3, 4, 6
RECONNECT, REQUEST_MEMBERS, INVALID_SESSION, HELLO, HEARTBEAT_ACK = 7, 8, 9, 10, 11

GUILDS, GUILD_MESSAGES, GUILD_REACTIONS, GUILD_TYPING = 1 << 0, 1 << 9, 1 << 10, 1 << 11
DIRECT_MESSAGES, DIRECT_REACTIONS, DIRECT_TYPING, MESSAGE_CONTENT = 1 << 12, 1 << 13, 1 << 14, 1 << 15
GUILD_MEMBERS, GUILD_PRESENCES = 1 << 1, 1 << 8
PRIVILEGED = GUILD_MEMBERS | GUILD_PRESENCES | MESSAGE_CONTENT
_HIGHEST_INTENT = 1 << 26

RESUMED_FOR = timedelta(minutes=3)
_KEPT = 10_000  # events of one session that RESUME can replay
_LONGEST = 4096  # bytes of a command to the gateway
_COMMANDS, _PER = 120, timedelta(seconds=60)

UNKNOWN_OPCODE, DECODE_ERROR, NOT_AUTHENTICATED, AUTHENTICATION_FAILED, ALREADY_AUTHENTICATED = (
    4001,
    4002,
    4003,
    4004,
    4005,
)
INVALID_SEQUENCE, RATE_LIMITED, TIMED_OUT, INVALID_SHARD, SHARDING_REQUIRED = 4007, 4008, 4009, 4010, 4011
INVALID_VERSION, INVALID_INTENTS, DISALLOWED_INTENTS = 4012, 4013, 4014
_ENDS_SESSION = (1000, 1001, 4004, 4007, 4009, 4010, 4011, 4012, 4013, 4014)


@dataclass(slots=True, kw_only=True)
class Rules:
    """What the developer's portal and Discord itself allow."""

    token: str
    granted: int = MESSAGE_CONTENT
    """Privileged intents that are switched on."""
    heartbeat: timedelta = timedelta(milliseconds=41_250)
    identify_every: timedelta = timedelta(seconds=5)
    identifies: int = 1000
    """A day; beyond it the token is reset."""
    identified: list[datetime] = field(default_factory=list)

    def remaining(self, now: datetime) -> int:
        return max(0, self.identifies - sum(now - at < timedelta(days=1) for at in self.identified))


@dataclass(slots=True)
class Session:
    id: str
    intents: int
    shard: tuple[int, int]
    sequence: int = 0
    sent: list[tuple[int, str, Any]] = field(default_factory=list)
    connection: Connection | None = None
    until: datetime | None = None
    """It can be resumed until then; None: it is connected."""


class Compressor(Protocol):
    def __call__(self, text: bytes) -> bytes: ...


class Gateway:
    def __init__(self, world: World, rules: Rules, journal: Journal, faults: Faults, clock: Clock) -> None:
        self._world, self._rules, self._journal, self._faults, self._clock = world, rules, journal, faults, clock
        self.sessions: dict[str, Session] = {}
        self._connections: set[Connection] = set()
        self._late: set[asyncio.Task[None]] = set()
        self._postponed: list[Callable[[], None]] = []
        self._n = 0

    # Events

    def tell(self, name: str, data: Wire, *, intent: int = 0, guild: int = 0) -> None:
        """To every session that asked for it; 0: whoever is there.

        `guild` names the server whose shard hears it; 0: the first shard, as for direct messages.
        """
        do = self._faults.next(name)
        deliver = self._deliverer(name, data, intent, guild, do)
        match do:
            case Do(drop=True):
                return
            case Do(hold=True):
                self._later(self._held(deliver))
            case Do(reorder=True):
                self._postponed.append(deliver)
                return
            case Do(delay=seconds) if seconds:
                self._later(self._delayed(seconds, deliver))
            case _:
                deliver()
        postponed, self._postponed = self._postponed, []
        for late in postponed:
            late()

    def _deliverer(self, name: str, data: Wire, intent: int, guild: int, do: Do | None) -> Callable[[], None]:
        def deliver() -> None:
            for session in list(self.sessions.values()):
                mine = (guild >> 22) % session.shard[1] == session.shard[0]
                if not mine or (intent and not session.intents & intent):
                    continue
                for _ in range(1 + (do.duplicate if do else 0)):
                    self._dispatch(session, name, self._visible(session, name, data), cut=bool(do and do.cut))
                if do and session.connection and (do.disconnect or do.cut or do.accept_then_cut):
                    session.connection.end(do.disconnect or 4000)

        return deliver

    def _visible(self, session: Session, name: str, data: Wire) -> Wire:
        """Without the intent a bot reads only what is said to it: directly, by mention, or by itself."""
        if not name.startswith("MESSAGE_") or "content" not in data or session.intents & MESSAGE_CONTENT:
            return data
        me = str(self._world.bot.id)
        said_to_it = "guild_id" not in data or any(one["id"] == me for one in data["mentions"])
        if said_to_it or data["author"]["id"] == me:
            return data
        return data | {"content": "", "embeds": [], "attachments": [], "components": []}

    def _dispatch(self, session: Session, name: str, data: Wire, *, cut: bool = False) -> None:
        session.sequence += 1
        session.sent.append((session.sequence, name, data))
        del session.sent[:-_KEPT]
        if session.connection and not cut:
            session.connection.event(session.sequence, name, data)

    async def _delayed(self, seconds: float, deliver: Callable[[], None]) -> None:
        await self._clock.sleep(seconds)
        deliver()

    async def _held(self, deliver: Callable[[], None]) -> None:
        await self._faults.replaced()
        deliver()

    def _later(self, coroutine: Any) -> None:
        task = asyncio.ensure_future(coroutine)
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    # Connections

    async def serve(self, socket: WebSocket) -> None:
        await socket.accept()
        query = socket.query_params
        if (version := query.get("v", "10")) != "10":
            await socket.close(INVALID_VERSION, f"API version {version} is not served")
            return
        try:
            compress = _compressor(query.get("compress", ""))
        except LookupError as error:
            await socket.close(DECODE_ERROR, str(error))
            return
        if query.get("encoding", "json") != "json":
            await socket.close(DECODE_ERROR, "this sandbox speaks JSON only")
            return
        self._world.base = f"http://{socket.headers.get('host', '')}"
        self._n += 1
        connection = Connection(self._n, socket, compress, self._journal)
        self._connections.add(connection)
        self._journal.add("connection", "opened", {"connection": connection.n, "compress": query.get("compress", "")})
        try:
            await self._talk(connection)
        finally:
            self._connections.discard(connection)
            await connection.finish()
            self._journal.add("connection", "closed", {"connection": connection.n, "code": connection.code})
            self._let_go(connection)

    async def _talk(self, connection: Connection) -> None:
        beat = int(self._rules.heartbeat.total_seconds() * 1000)
        connection.send(HELLO, {"heartbeat_interval": beat, "_trace": ["sandbox"]})
        alive = _Alarm(self._clock, self._rules.heartbeat * 2, lambda: connection.end(TIMED_OUT, "Session timed out."))
        times: list[datetime] = []
        try:
            while not connection.ended:
                raw = await connection.hear()
                if raw is None:
                    return
                now = self._clock.now()
                times = [at for at in times if now - at < _PER] + [now]
                if len(times) > _COMMANDS:
                    connection.end(RATE_LIMITED, "You are being rate limited.")
                    return
                alive.put_off()
                self._command(connection, raw)
        finally:
            alive.stop()

    def _command(self, connection: Connection, raw: str) -> None:
        try:
            given = json.loads(raw)
            op, data = given["op"], given.get("d")
        except (ValueError, KeyError, TypeError):
            connection.end(DECODE_ERROR, "Error while decoding payload.")
            return
        if len(raw.encode()) > _LONGEST:
            connection.end(DECODE_ERROR, "Error while decoding payload.")
        elif op == HEARTBEAT:
            if connection.session:
                self._journal.add("confirmed", "HEARTBEAT", {"connection": connection.n, "sequence": data})
            connection.send(HEARTBEAT_ACK)
        elif op == IDENTIFY:
            self._identify(connection, data)
        elif op == RESUME:
            self._resume(connection, data)
        elif connection.session is None:
            connection.end(NOT_AUTHENTICATED, "Not authenticated.")
        elif op not in (PRESENCE, VOICE_STATE, REQUEST_MEMBERS):
            connection.end(UNKNOWN_OPCODE, "Unknown opcode.")

    def _identify(self, connection: Connection, data: Any) -> None:
        if connection.session is not None:
            connection.end(ALREADY_AUTHENTICATED, "Already authenticated.")
            return
        if not isinstance(data, dict) or not isinstance(data.get("properties"), dict):
            connection.end(DECODE_ERROR, "Error while decoding payload.")
            return
        if data.get("token") != self._rules.token:
            self._refuse(connection, "IDENTIFY", AUTHENTICATION_FAILED, "Authentication failed.")
            return
        intents, shard = data.get("intents"), data.get("shard") or [0, 1]
        if not isinstance(intents, int) or not 0 <= intents < _HIGHEST_INTENT:
            self._refuse(connection, "IDENTIFY", INVALID_INTENTS, "Invalid intent(s).")
            return
        if intents & PRIVILEGED & ~self._rules.granted:
            self._refuse(connection, "IDENTIFY", DISALLOWED_INTENTS, "Disallowed intent(s).")
            return
        if len(shard) != 2 or not 0 <= shard[0] < shard[1]:
            self._refuse(connection, "IDENTIFY", INVALID_SHARD, "Invalid shard.")
            return
        now = self._clock.now()
        if self._rules.identified and now - self._rules.identified[-1] < self._rules.identify_every:
            self._journal.add("refused", "IDENTIFY", {"why": "one IDENTIFY each 5 s"})
            connection.send(INVALID_SESSION, False)
            return
        if not self._rules.remaining(now):
            self._rules.token += ".reset"
            self._refuse(connection, "IDENTIFY", AUTHENTICATION_FAILED, "Authentication failed.")
            return
        self._rules.identified.append(now)
        self._journal.add("call", "IDENTIFY", {"intents": intents, "shard": shard, "connection": connection.n})
        session = Session(f"{self._world.snowflake():x}", intents, (shard[0], shard[1]), connection=connection)
        self.sessions[session.id] = connection_session = session
        connection.session = connection_session
        self._greet(session, data.get("shard"))

    def _greet(self, session: Session, shard: Any) -> None:
        world, guild = self._world, self._world.guild
        mine = (guild >> 22) % session.shard[1] == session.shard[0]
        ready: Wire = {"v": 10, "user": world.user(world.bot), "session_id": session.id, "_trace": ["sandbox"]}
        ready |= {"guilds": [{"id": str(guild), "unavailable": True}] if mine else [], "private_channels": []}
        ready |= {"resume_gateway_url": world.base.replace("http", "ws", 1) + "/gateway"}
        ready |= {"application": {"id": str(world.bot.id), "flags": 1 << 19}}
        self._dispatch(session, "READY", ready | ({"shard": shard} if shard else {}))
        if mine and session.intents & GUILDS:
            self._dispatch(session, "GUILD_CREATE", world.guild_whole())

    def _resume(self, connection: Connection, data: Any) -> None:
        if connection.session is not None:
            connection.end(ALREADY_AUTHENTICATED, "Already authenticated.")
            return
        if not isinstance(data, dict) or data.get("token") != self._rules.token:
            self._refuse(connection, "RESUME", AUTHENTICATION_FAILED, "Authentication failed.")
            return
        session, given = self.sessions.get(str(data.get("session_id"))), data.get("seq")
        gone = session is not None and session.until is not None and session.until <= self._clock.now()
        if session is None or gone or not isinstance(given, int):
            self._journal.add("refused", "RESUME", {"why": "there is no such session", "connection": connection.n})
            connection.send(INVALID_SESSION, False)
            return
        if given > session.sequence:
            self._refuse(connection, "RESUME", INVALID_SEQUENCE, "Invalid seq.")
            return
        if session.sent and given + 1 < session.sent[0][0] and given < session.sequence:
            self._journal.add("refused", "RESUME", {"why": "what was missed is no longer kept"})
            connection.send(INVALID_SESSION, False)
            return
        if session.connection is not None:
            session.connection.end(4000)
        self._journal.add("call", "RESUME", {"sequence": given, "connection": connection.n})
        session.connection, session.until, connection.session = connection, None, session
        for number, name, missed in session.sent:
            if number > given:
                connection.event(number, name, missed)
        self._dispatch(session, "RESUMED", {"_trace": ["sandbox"]})

    def _refuse(self, connection: Connection, name: str, code: int, why: str) -> None:
        self._journal.add("refused", name, {"code": code, "why": why, "connection": connection.n})
        connection.end(code, why)

    def _let_go(self, connection: Connection) -> None:
        session = connection.session
        if session is None or session.connection is not connection:
            return
        session.connection = None
        session.until = self._clock.now() + RESUMED_FOR
        if connection.code in _ENDS_SESSION:
            self.sessions.pop(session.id, None)

    # What a developer may do to it

    def reconnect(self) -> None:
        """Op 7: come back, and resume."""
        for connection in self._connections:
            connection.send(RECONNECT)

    def invalidate(self, *, resumable: bool) -> None:
        """Op 9."""
        for connection in self._connections:
            if connection.session and not resumable:
                self.sessions.pop(connection.session.id, None)
            connection.send(INVALID_SESSION, resumable)

    def disconnect(self, code: int) -> None:
        for connection in list(self._connections):
            connection.end(code)

    def forget(self) -> None:
        """No session can be resumed any more."""
        self.sessions = {id: session for id, session in self.sessions.items() if session.connection is not None}

    async def close(self) -> None:
        for connection in list(self._connections):
            connection.end(1001)
        for task in list(self._late):
            task.cancel()
        await asyncio.gather(*(connection.finish() for connection in list(self._connections)), return_exceptions=True)


class Connection:
    """One socket. What is sent keeps its order; with compression all of it is one deflate stream."""

    def __init__(self, n: int, socket: WebSocket, compress: Compressor | None, journal: Journal) -> None:
        self.n, self.session, self.code = n, _NO_SESSION, 0
        self._socket, self._compress, self._journal = socket, compress, journal
        self._out: asyncio.Queue[tuple[str, int, str, Any] | None] = asyncio.Queue()
        self._writing = asyncio.ensure_future(self._write())
        self._end = asyncio.Event()
        self._why = ""

    @property
    def ended(self) -> bool:
        return self._end.is_set()

    def send(self, operation: int, data: Any = None) -> None:
        self._out.put_nowait((_json({"op": operation, "d": data, "s": None, "t": None}), 0, "", None))

    def event(self, sequence: int, name: str, data: Any) -> None:
        text = _json({"op": DISPATCH, "d": data, "s": sequence, "t": name})
        self._out.put_nowait((text, sequence, name, data))

    def frame(self, text: str) -> None:
        """Whatever it is."""
        self._out.put_nowait((text, 0, "", None))

    def end(self, code: int, why: str = "") -> None:
        """After what was sent before."""
        if not self._end.is_set():
            self.code, self._why = code, why
            self._end.set()
            self._out.put_nowait(None)

    async def hear(self) -> str | None:
        """The next command; None: the connection is over."""
        heard = asyncio.ensure_future(self._socket.receive())
        ended = asyncio.ensure_future(self._end.wait())
        try:
            await asyncio.wait((heard, ended), return_when=asyncio.FIRST_COMPLETED)
            if not heard.done():
                return None
            message = heard.result()
        except (WebSocketDisconnect, RuntimeError):
            return None
        finally:
            heard.cancel()
            ended.cancel()
        if message["type"] == "websocket.disconnect":
            self.code = self.code or int(message.get("code") or 1006)
            return None
        words = message.get("text")
        return words if words is not None else (message.get("bytes") or b"").decode("utf-8", "replace")

    async def finish(self) -> None:
        """Send what is left, and close from our side if it is still open."""
        self._out.put_nowait(None)
        await asyncio.wait((self._writing,))
        try:
            await self._socket.close(self.code or 1000, self._why)
        except (RuntimeError, WebSocketDisconnect):
            pass

    async def _write(self) -> None:
        while (item := await self._out.get()) is not None:
            text, sequence, name, data = item
            if name:
                told = {"sequence": sequence, "connection": self.n, "session": self.session.id if self.session else ""}
                self._journal.add("delivered", name, told | {"id": _id_of(name, data)})
            try:
                if self._compress:
                    await self._socket.send_bytes(self._compress(text.encode()))
                else:
                    await self._socket.send_text(text)
            except (RuntimeError, WebSocketDisconnect, OSError):
                return


_NO_SESSION: Session | None = None


class _Alarm:
    def __init__(self, clock: Clock, after: timedelta, ring: Callable[[], None]) -> None:
        self._clock, self._after, self._ring = clock, after, ring
        self._stop = clock.alarm(clock.now() + after, ring)

    def put_off(self) -> None:
        self._stop()
        self._stop = self._clock.alarm(self._clock.now() + self._after, self._ring)

    def stop(self) -> None:
        self._stop()


def _compressor(name: str) -> Compressor | None:
    """Raises `LookupError` for one that is not to be had."""
    if not name:
        return None
    if name == "zlib-stream":
        deflate = zlib.compressobj()
        return lambda text: deflate.compress(text) + deflate.flush(zlib.Z_SYNC_FLUSH)
    if name == "zstd-stream":
        return _zstd()
    raise LookupError(f"compress={name} is none of zlib-stream, zstd-stream")


def _zstd() -> Compressor:
    """With the same package as the client: Python's own, or `zstandard`."""
    try:
        library: Any = importlib.import_module("compression.zstd")
        frames = library.ZstdCompressor()
        return lambda text: frames.compress(text, frames.FLUSH_BLOCK)
    except ImportError:
        pass
    try:
        library = importlib.import_module("zstandard")
    except ImportError as error:
        raise LookupError("zstd-stream needs the package zstandard on the sandbox's side as well") from error
    stream = library.ZstdCompressor().compressobj()
    return lambda text: stream.compress(text) + stream.flush(library.COMPRESSOBJ_FLUSH_BLOCK)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _id_of(name: str, data: Any) -> str:
    if name == "INTERACTION_CREATE" or name.startswith("MESSAGE_"):
        return str(data.get("id") or data.get("message_id"))
    return ""
