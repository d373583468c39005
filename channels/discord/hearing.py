"""The gateway of one account: every event in order, none counted before it is committed, none lost with a login.

A gateway event is never sent again once it was received. So a session is resumed from the last committed event, and
what was said while no session could be resumed is read from the channels' history.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
import structlog
from msgspec.structs import replace

from bot.errors import Forbidden, NotSent, SettingsError, TryLater, Unshowable
from bot.model import Said, written
from bot.ports import Arrival, Clock, Random, Receive, Vault
from channels.discord import commands, wire
from channels.discord.background import Background
from channels.discord.client import Line
from channels.discord.parse import Known, backfilled, parsed, swept
from channels.discord.presses import Presses
from channels.discord.render import Call, place_of
from channels.discord.session import Kept, Logins, Mark, Session
from channels.discord.settings import Settings

log = structlog.get_logger()

MOST_HELD = 2_000
"""Events that wait to be committed; beyond that the gateway keeps them."""
BATCH = 100
LOGINS, PER = 5, timedelta(hours=1)
SAVED_EVERY = 5.0
"""Seconds; after a crash so much is heard twice, and known by its ids."""
LIVE = 1_000
"""Channels whose history is read after a lost session: those heard last."""
AUTHORS = 10_000
"""Messages of which is known who said them: a deletion does not tell."""
MISSED_MOST = 500
"""Messages of one channel."""


@dataclass(frozen=True, slots=True)
class _Heard:
    frame: wire.Frame
    raw: bytes
    """Empty: it says nothing to us."""


class Hearing:
    def __init__(self, account: str, settings: Settings, *, clock: Clock, random: Random, vault: Vault) -> None:
        self.account, self._settings, self._clock, self._random, self._vault = account, settings, clock, random, vault
        self.line = Line(settings, self.hear)
        self.known = Known(
            account,
            channels=frozenset(settings.channels),
            roles=frozenset(settings.roles),
            blocked=frozenset(settings.blocked),
            account_age=settings.account_age,
            threads=settings.threads,
            commands=settings.commands,
        )
        self._background = Background(account)
        self.presses = Presses(account, settings, self.line, self.known, self._background, clock=clock, vault=vault)
        self._kept = Kept()
        self.marks: dict[str, Mark] = {}
        self._saved_at, self._changed = 0.0, False
        self._held: deque[_Heard] = deque()
        self._wake, self._drained = asyncio.Event(), asyncio.Event()
        self._overrun = False
        """The gateway is to be asked again for what follows the last committed event."""
        self.titles: dict[str, str] = {}
        """First words of questions that are to have a thread, by message."""

    async def run(self, receive: Receive) -> None:
        self.line.begin()
        await self._recall()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._write(receive))
                group.create_task(self.presses.sweep())
                await self._stay_connected(receive)
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from failed
        finally:
            await self._background.end()
            await self.line.close()
            await self._save()

    async def _stay_connected(self, receive: Receive) -> None:
        failures = 0
        while True:
            self._overrun = False
            try:
                await self.line.login()
                self.known.bot = self.line.bot
                await self._set_commands()
                session = self._kept.session
                if session is None:
                    await self._may_log_in()
                await self.line.open(session)
                resumable = await self.line.read()
                failures = 0
                if not resumable:
                    self._kept = replace(self._kept, session=None)
                    await self._clock.sleep(self._random.between(1, 5))
            except Forbidden as refused:
                raise SettingsError(f"{refused}: make a new token in the developer portal") from refused
            except NotSent as lost:
                failures += 1
                pause = self._random.between(0.5, 1) * min(60, 2**failures)
                log.warning("discord.disconnected", account=self.account, why=lost, again_in=round(pause, 1))
                await self._clock.sleep(pause)
            self._drained.clear()
            self._wake.set()
            await self._drained.wait()

    async def _may_log_in(self) -> None:
        """Discord resets the token of a bot that logs in too often."""
        raw, now = await self._vault.get("logins"), self._clock.now()
        given = f"{self._settings.gateway} {self._settings.token.get_secret_value()}".encode()
        of = hashlib.blake2b(given, digest_size=12).hexdigest()
        past = msgspec.json.decode(raw, type=Logins) if raw else Logins(of)
        recent = [at for at in past.at if past.of == of and now - at < PER]
        if len(recent) >= LOGINS:
            wait = (recent[-LOGINS] + PER - now).total_seconds()
            log.error("discord.too_many_logins", account=self.account, logins=len(recent), wait=round(wait))
            await self._clock.sleep(wait)
        made = Logins(of, (*recent[-LOGINS + 1 :], self._clock.now()))
        await self._vault.put("logins", msgspec.json.encode(made))

    def hear(self, frame_text: str) -> None:
        """In the order of the gateway, before anything else has looked at it. Never waits."""
        raw = frame_text.encode("utf-8", "surrogatepass")
        try:
            frame = wire.frame_of(raw)
        except (ValueError, RecursionError):
            frame = wire.Frame(0, "", None)
        if frame.op != 0:
            return
        name = frame.t or ""
        if name == "INTERACTION_CREATE":
            self.presses.expect(bytes(frame.d), in_vain=self._overrun)
        if self._overrun:
            return
        if len(self._held) >= MOST_HELD:
            self._stop_hearing("too much waits to be committed")
            return
        wanted = name in wire.HEARD or name in wire.PLACES or name == "READY" or not wire.is_documented(name)
        self._held.append(_Heard(frame, raw if wanted else b""))
        self._wake.set()

    def _stop_hearing(self, why: str) -> None:
        """What comes now is not taken; the gateway is asked for it again when there is room."""
        if not self._overrun:
            self._overrun = True
            log.error("discord.held_back", account=self.account, why=why)
            self._background.later(self.line.cut())

    async def _write(self, receive: Receive) -> None:
        if self._kept.behind:  # the process before this one ended while it was at it
            await self._catch_up(receive)
        while True:
            while self._held:
                batch = [self._held.popleft() for _ in range(min(BATCH, len(self._held)))]
                await self._take(batch, receive)
            self._wake.clear()
            self._drained.set()
            await self._keep_now_and_then()
            await self._wake.wait()

    async def _take(self, batch: list[_Heard], receive: Receive) -> None:
        arrivals: list[Arrival] = []
        for heard in batch:
            name = heard.frame.t or ""
            if name == "READY":
                await self._commit(arrivals, receive)
                arrivals.clear()
                await self._begin(heard.frame, receive)
            elif name in wire.PLACES:
                self.known.learn(name, heard.frame.d)
                self._changed = True
            elif name == "MESSAGE_DELETE_BULK":
                for gone in swept(heard.frame, heard.raw, self.known):
                    arrivals += self._wanted(gone)
            elif heard.raw:
                arrivals += self._wanted(parsed(heard.frame, heard.raw, self.known))
        await self._commit(arrivals, receive)
        session = self._kept.session
        sequence = batch[-1].frame.s or 0
        if session is not None and sequence > session.sequence:
            self._kept = replace(self._kept, session=replace(session, sequence=sequence))
            self._changed = True

    async def _begin(self, frame: wire.Frame, receive: Receive) -> None:
        """A new session: what was said since the last one is in the channels' history."""
        try:
            ready = msgspec.json.decode(frame.d, type=_Ready)
        except msgspec.MsgspecError as error:
            log.error("discord.unread_ready", account=self.account, why=error)
            return
        self.known.bot = ready.user.id
        address = ready.resume_gateway_url
        self._kept = replace(self._kept, session=Session(ready.session_id, address, frame.s or 0), behind=True)
        await self._save()
        await self._catch_up(receive)

    def _wanted(self, arrival: Arrival) -> list[Arrival]:
        """Of what somebody said or did, or cannot be read; nothing of the rest."""
        if arrival.unreadable:
            log.warning("discord.unreadable", account=self.account, why=arrival.unreadable[:200])
            return [arrival]
        return [arrival] if arrival.bodies else []

    async def _commit(self, arrivals: list[Arrival], receive: Receive) -> None:
        """Until it is: nothing goes on before."""
        wanted = [each for each in map(self.presses.before_t0, arrivals) if each is not None]
        failures = 0
        while wanted:
            try:
                accepted = await receive.many(wanted)
                break
            except Exception as error:
                failures += 1
                self._stop_hearing(f"not committed: {type(error).__name__}")
                if failures == 1:
                    self.presses.failed(wanted)
                await self._clock.sleep(min(30, 0.5 * 2 ** min(failures, 6)))
        else:
            return
        chats = len(self.marks)
        for arrival, each in zip(wanted, accepted, strict=True):
            self.note(arrival)
            self.presses.committed(arrival, each)
        if len(self.marks) > chats:  # its history is read after a lost session, even when we end at once
            await self._save()

    def note(self, arrival: Arrival) -> None:
        if not arrival.bodies or not arrival.by:
            return
        place = place_of(arrival.to)
        self.known.people[place] = arrival.by
        ref = getattr(arrival.bodies[0], "ref", "")
        if isinstance(arrival.bodies[0], Said):
            self.known.authors[ref] = arrival.by
            while len(self.known.authors) > AUTHORS:
                del self.known.authors[next(iter(self.known.authors))]
        last = self.marks.pop(place, None)
        newest = ref if ref.isdigit() and int(ref) > int(last.message if last else 0) else last and last.message
        if newest:
            guild = "" if not arrival.to.thread else "guild"
            self.marks[place] = Mark(newest, arrival.by, guild)
        while len(self.marks) > LIVE:
            del self.marks[next(iter(self.marks))]
        said = arrival.bodies[0]
        if self.known.threads and isinstance(said, Said) and arrival.to.thread:
            self.titles.setdefault(arrival.to.thread, " ".join(written(said.message).split())[:90])
            while len(self.titles) > LIVE:
                del self.titles[next(iter(self.titles))]

    async def _catch_up(self, receive: Receive) -> None:
        since = {chat: mark.message for chat, mark in self.marks.items()}
        found: list[Arrival] = []
        async for arrival in self.missed(since, most=MISSED_MOST):
            found.append(arrival)
            if len(found) == BATCH:
                await self._commit(found, receive)
                found = []
        await self._commit(found, receive)
        self._kept = replace(self._kept, behind=False)
        await self._save()

    async def missed(self, since: Mapping[str, str], *, most: int) -> AsyncIterator[Arrival]:
        """At most so many of each chat. A chat that is gone is forgotten."""
        for chat, after in since.items():
            guild = "guild" if (mark := self.marks.get(chat)) and mark.guild else None
            count = 0
            while count < most:
                page = await self._history(chat, after, min(100, most - count))
                if not page:
                    break
                for told in reversed(page):
                    arrival = backfilled(msgspec.json.encode(told), self.known, guild)
                    if arrival.bodies:
                        yield arrival
                count, after = count + len(page), str(page[0]["id"])

    async def _history(self, chat: str, after: str, most: int) -> list[Any]:
        call = Call("GET", "/channels/{channel_id}/messages", {"channel_id": chat})
        for attempt in range(8):
            try:
                page: list[Any] = await self.line.call(call, {"after": after, "limit": str(most)})
                return page
            except (Forbidden, Unshowable) as gone:
                log.warning("discord.chat_gone", account=self.account, chat=chat, why=gone)
                self.marks.pop(chat, None)
                return []
            except NotSent as error:
                log.warning("discord.history_later", account=self.account, chat=chat, why=error)
                after_all = error.after.total_seconds() if isinstance(error, TryLater) and error.after else 0.0
                await self._clock.sleep(after_all or min(60, 2**attempt))
        log.error("discord.history_lost", account=self.account, chat=chat)
        return []

    async def _recall(self) -> None:
        raw = await self._vault.get("kept")
        if raw:
            self._kept = msgspec.json.decode(raw, type=Kept)
            self.marks = dict(self._kept.marks)
            self.known.parents |= self._kept.parents
            self.known.ours |= set(self._kept.ours)
            self.known.room |= self._kept.room
            self.known.people |= {place: mark.by for place, mark in self.marks.items() if mark.by}
        await self.presses.recall()

    async def _keep_now_and_then(self) -> None:
        if self._changed and self._clock.monotonic() - self._saved_at >= SAVED_EVERY:
            await self._save()

    async def _save(self) -> None:
        """A mark that lags behind costs a repeat, which is known by its id."""
        live = self.known.ours | self.marks.keys()
        parents = {thread: parent for thread, parent in self.known.parents.items() if thread in live}
        known = {"parents": parents, "ours": tuple(self.known.ours), "room": dict(self.known.room)}
        kept = replace(self._kept, marks=dict(self.marks), **known)
        self._saved_at, self._changed = self._clock.monotonic(), False
        try:
            await self._vault.put("kept", msgspec.json.encode(kept))
        except Exception as error:  # the store is down: what was kept before is still right, only older
            log.warning("discord.not_kept", account=self.account, why=type(error).__name__)

    async def _set_commands(self) -> None:
        """Only when they have changed: Discord counts the changes."""
        made = commands.registered(self._settings.commands)
        known = await self._vault.get("commands")
        if known == commands.digest(made) or (known is None and not made):
            return
        call = Call("PUT", "/applications/{application}/commands", {"application": self.line.application}, made)
        try:
            await self.line.call(call)
        except Unshowable as error:
            raise SettingsError(f"Discord refuses the commands: {error}") from error
        await self._vault.put("commands", commands.digest(made))


class _Ready(msgspec.Struct):
    session_id: str
    resume_gateway_url: str
    user: wire.User
