"""Updates on their way to a bot, as the platform brings them: long polling or a webhook, kept for 24 hours.

Polling: an offset confirms everything below it, and one poller at a time. Webhook: one queue per chat, the next
update of a queue only after the one before was taken; refused ones come again after 1 s, doubling up to 60-120 s.
https://core.telegram.org/bots/api#getting-updates
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx2
import msgspec

from bot.ports import Clock
from channels.sandbox.faults import Do, Faults
from channels.sandbox.journal import Journal
from channels.sandbox.telegram.arguments import Refused, named

KEPT = timedelta(hours=24)
GONE_AFTER = timedelta(hours=23)
"""A webhook that answers 410 for so long is removed."""
LONGEST_RETRY_AFTER = 3600
LONGEST_ANSWER = 60.0
"""Seconds a webhook may take."""

KINDS = named(
    "message edited_message channel_post edited_channel_post business_connection business_message "
    "edited_business_message deleted_business_messages guest_message message_reaction message_reaction_count "
    "inline_query chosen_inline_result callback_query shipping_query pre_checkout_query purchased_paid_media poll "
    "poll_answer my_chat_member chat_member chat_join_request chat_boost removed_chat_boost managed_bot subscription "
    "stopped_message_generation"
)
_ASKED_FOR = frozenset(("chat_member", "message_reaction", "message_reaction_count"))
"""Only sent to bots that name them."""


class Lost(Exception):
    """The answer does not get through."""


@dataclass(frozen=True, slots=True)
class _Come:
    """What has no id yet."""

    kind: str
    body: dict[str, Any]
    queue: str
    cut: bool = False
    accept_then_cut: bool = False


@dataclass(slots=True)
class Update:
    id: int
    kind: str
    queue: str
    at: datetime
    body: dict[str, Any]
    cut: bool
    """The next time it is brought, it does not arrive."""
    accept_then_cut: bool
    """The next time it is brought, it arrives and its acknowledgement does not."""


@dataclass(slots=True)
class Webhook:
    url: str
    secret: str
    most: int
    error_at: datetime | None = None
    error: str = ""
    gone_since: datetime | None = None


class Updates:
    """What one bot has not taken yet."""

    def __init__(self, clock: Clock, journal: Journal, faults: Faults, chance: random.Random, bot: str) -> None:
        self._clock, self._journal, self._faults, self._chance, self._bot = clock, journal, faults, chance, bot
        self._next = chance.randrange(100_000_000, 900_000_000)
        self._waiting: deque[Update] = deque()
        self._later: _Come | None = None
        self._allowed: frozenset[str] | None = None
        self._come = asyncio.Event()
        self._poll: asyncio.Event | None = None
        """Set when another poller takes over."""
        self.webhook: Webhook | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._http: httpx2.AsyncClient | None = None
        self._queues: dict[str, asyncio.Task[None]] = {}

    # From the platform

    def add(self, kind: str, body: Any, *, queue: str) -> None:
        """Tell the bot, when it wants to know."""
        if self._wants(kind):
            self._meet(kind, {kind: body}, queue)

    def add_raw(self, body: Mapping[str, Any]) -> None:
        """Whatever it is."""
        told = {name: value for name, value in body.items() if name != "update_id"}
        self._meet(next(iter(told), "update"), told, "raw")

    @property
    def is_polled(self) -> bool:
        """Somebody waits for what comes next."""
        return self._poll is not None

    @property
    def pending(self) -> int:
        self._expire()
        return len(self._waiting)

    def _wants(self, kind: str) -> bool:
        return kind not in _ASKED_FOR if self._allowed is None else kind in self._allowed

    def _meet(self, kind: str, body: dict[str, Any], queue: str) -> None:
        """The fault that the script has for it, if any."""
        do = self._faults.next(kind) or Do()
        come = _Come(kind, body, queue, do.cut, do.accept_then_cut)
        if do.drop:
            return
        if do.hold:
            self._spawn(self._once(self._faults.replaced(), come))
        elif do.delay:
            self._spawn(self._once(self._clock.sleep(do.delay), come))
        elif do.reorder:
            self._later = come
        else:
            self._now(come)
            later, self._later = self._later, None
            if later is not None:
                self._now(later)
        for _ in range(do.duplicate):  # one act under several ids: tdlib/telegram-bot-api #699
            self._now(come)

    async def _once(self, over: Awaitable[object], come: _Come) -> None:
        await over
        self._now(come)

    def _now(self, come: _Come) -> None:
        """It has its id from here on, so that none is below one that was confirmed."""
        self._next += 1
        body = {"update_id": self._next, **come.body}
        update = Update(self._next, come.kind, come.queue, self._clock.now(), body, come.cut, come.accept_then_cut)
        self._waiting.append(update)
        self._come.set()
        if self.webhook is not None:
            self._deliver(update.queue)

    def _expire(self) -> None:
        oldest = self._clock.now() - KEPT
        while self._waiting and self._waiting[0].at < oldest:
            self._waiting.popleft()

    # Polling

    async def poll(self, *, offset: int, limit: int, wait: float, allowed: Sequence[str] | None) -> list[Any]:
        """getUpdates. Raises `Refused` and `Lost`."""
        if self.webhook is not None:
            raise Refused(
                "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
                409,
            )
        self._allow(allowed)
        if self._poll is not None:
            self._poll.set()
        self._poll = taken_over = asyncio.Event()
        try:
            self._confirm(offset)
            if not self._waiting and wait > 0:
                await self._wait(wait, taken_over)
            if taken_over.is_set():
                raise Refused(
                    "terminated by other getUpdates request; make sure that only one bot instance is running", 409
                )
        finally:
            if self._poll is taken_over:
                self._poll = None
        self._expire()
        batch = [update for update in self._waiting if update.id >= offset][: min(max(limit, 1), 100)]
        for update in batch:
            self._journal.add("delivered", update.kind, {"bot": self._bot, **update.body})
        if any(update.cut or update.accept_then_cut for update in batch):
            for update in batch:
                update.cut = update.accept_then_cut = False
            raise Lost
        return [update.body for update in batch]

    def _allow(self, allowed: Sequence[str] | None) -> None:
        if allowed is not None:
            self._allowed = frozenset(allowed) if allowed else None

    @property
    def allowed(self) -> list[str]:
        return sorted(self._allowed or ())

    def _confirm(self, offset: int) -> None:
        if offset < 0:
            while len(self._waiting) > -offset:
                self._waiting.popleft()
            return
        confirmed = [update.id for update in self._waiting if update.id < offset]
        if confirmed:
            self._waiting = deque(update for update in self._waiting if update.id >= offset)
            self._journal.add("confirmed", "getUpdates", {"bot": self._bot, "updates": confirmed})

    async def _wait(self, seconds: float, taken_over: asyncio.Event) -> None:
        self._come.clear()
        waits = [
            asyncio.ensure_future(self._come.wait()),
            asyncio.ensure_future(taken_over.wait()),
            asyncio.ensure_future(self._clock.sleep(seconds)),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    # Webhook

    def set_webhook(self, webhook: Webhook | None, *, drop: bool, allowed: Sequence[str] | None) -> None:
        self._allow(allowed)
        if drop:
            self._waiting.clear()
        self.webhook = webhook
        if webhook is not None:
            if self._poll is not None:
                self._poll.set()
            for queue in {update.queue for update in self._waiting}:
                self._deliver(queue)

    def _deliver(self, queue: str) -> None:
        """See to it that somebody brings what waits in this queue."""
        running = self._queues.get(queue)
        if running is None or running.done():
            self._queues[queue] = self._spawn(self._bring(queue))

    async def _bring(self, queue: str) -> None:
        pause = 1.0
        while (webhook := self.webhook) is not None:
            self._expire()
            update = next((update for update in self._waiting if update.queue == queue), None)
            if update is None:
                return
            wait = await self._post(webhook, update)
            if wait is None:
                pause = 1.0
                continue
            await self._clock.sleep(wait or pause)
            pause = min(pause * 2, self._chance.uniform(60, 120))

    async def _post(self, webhook: Webhook, update: Update) -> float | None:
        """None: it was taken; else after how long it comes again, 0: as usual."""
        if update.cut:
            update.cut = False
            self._failed(webhook, "Connection reset by peer")
            return 0
        headers = {"Content-Type": "application/json"}
        if webhook.secret:
            headers["X-Telegram-Bot-Api-Secret-Token"] = webhook.secret
        self._journal.add("delivered", update.kind, {"bot": self._bot, **update.body})
        try:
            answer = await self._client().post(webhook.url, content=msgspec.json.encode(update.body), headers=headers)
        except httpx2.HTTPError as error:
            self._failed(webhook, f"Connection failed: {type(error).__name__}")
            return 0
        if update.accept_then_cut:
            update.accept_then_cut = False
            self._failed(webhook, "Read timeout expired")
            return 0
        if answer.is_success:
            webhook.gone_since = None
            if update in self._waiting:
                self._waiting.remove(update)
            self._journal.add("confirmed", "webhook", {"bot": self._bot, "updates": [update.id]})
            return None
        self._failed(webhook, f"Wrong response from the webhook: {answer.status_code} {answer.reason_phrase}")
        if answer.status_code == 410:
            webhook.gone_since = webhook.gone_since or self._clock.now()
            if self._clock.now() - webhook.gone_since >= GONE_AFTER:
                self.webhook = None
        else:
            webhook.gone_since = None
        told = answer.headers.get("Retry-After", "")
        return min(float(told), LONGEST_RETRY_AFTER) if told.isdigit() else 0

    def _client(self) -> httpx2.AsyncClient:
        if self._http is None:
            none_kept = httpx2.Limits(max_keepalive_connections=0)
            self._http = httpx2.AsyncClient(timeout=LONGEST_ANSWER, trust_env=False, limits=none_kept)
        return self._http

    def _failed(self, webhook: Webhook, why: str) -> None:
        webhook.error, webhook.error_at = why, self._clock.now()
        self._journal.add("connection", "webhook", {"bot": self._bot, "error": why})

    def _spawn(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def close(self) -> None:
        if self._poll is not None:
            self._poll.set()
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        if self._http is not None:
            await self._http.aclose()
