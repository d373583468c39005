"""The door to Slack: what comes in is committed before Slack hears yes; what goes out is one call a piece.

It decides nothing. Events come over HTTP, through our own route, or over Socket Mode, whose envelopes are acknowledged
only when the arrival is in the log. https://docs.slack.dev
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from datetime import timedelta
from typing import Any, Literal

import msgspec
import structlog
from msgspec.structs import replace
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bot import markup
from bot.errors import Forbidden, NotSent, SettingsError, StoreDown, Unreachable, Unshowable
from bot.fit import words
from bot.model import (
    Address,
    Card,
    Choices,
    Form,
    Mark,
    Media,
    Message,
    Notice,
    Opened,
    Part,
    Rating,
    Raw,
    Reacted,
    Said,
    Sources,
    Span,
    Table,
    Text,
    text,
    written,
)
from bot.ports import (
    ASGI,
    Accepted,
    Arrival,
    Attachments,
    Buttons,
    Capabilities,
    Clock,
    FormErrors,
    Limit,
    Pace,
    Random,
    Rate,
    Receipt,
    Receive,
    ShowForm,
    Shown,
    Toast,
    Vault,
)
from bot.waiting import within
from channels.slack import emoji, mrkdwn
from channels.slack.client import QUIET, Workspaces, code_of
from channels.slack.lately import Lately
from channels.slack.oauth import Installing
from channels.slack.parse import LARGEST, Heard, hear, place
from channels.slack.render import (
    COLUMNS,
    LONGEST_LABEL,
    LONGEST_NOTIFICATION,
    MOST_OPTIONS,
    ROWS,
    FormWords,
    blocks_of,
    metadata,
    modal,
    render,
)
from channels.slack.settings import Settings

log = structlog.get_logger()

LONGEST_TEXT = 8_000
"""Characters of a message. Slack refuses somewhere above 10,000 for all blocks together, and does not say where."""
LONGEST_STREAM = 11_000
CONNECTING = timedelta(seconds=20)
LOOKED_BACK = timedelta(hours=25)
"""How far a message is searched whose outcome is unknown: longer than the outbox tries."""
PAGES = 5
_MARKS: frozenset[Mark] = frozenset(("bold", "italic", "strike", "code", "fence", "quote", "item", "heading"))
_PARTS: frozenset[type[Part]] = frozenset((Text, Choices, Card, Table, Sources, Notice, Media, Rating, Form, Raw))
_CAN = Capabilities(
    text=Limit(LONGEST_TEXT),
    marks=_MARKS,
    parts=_PARTS,
    alone=frozenset((Table,)),
    table=(ROWS - 1, COLUMNS),
    raw="slack",
    buttons=Buttons(rows=5, per_row=5, label=LONGEST_LABEL, token=150),
    options=MOST_OPTIONS,
    form="modal",
    files=Attachments(per_message=10, bytes_out=1024 * 1024 * 1024),
    stream="edit",
    stream_every=timedelta(seconds=1.2),
    can=frozenset(("edit", "delete", "react", "thread", "toast")),
    resend="lookup",
    pace=Pace(chat=Rate(3, timedelta(seconds=3))),
)


class Slack:
    """Implements `Channel`, `Sending`, `Routes`, `Typing`, `Streaming`, `Files`, `Editing`, `Threads`, `Backfill`."""

    name = "slack"

    def __init__(self, account: str, settings: Settings, *, clock: Clock, random: Random, vault: Vault) -> None:
        self.account = account
        self._settings, self._clock, self._random, self._vault = settings, clock, random, vault
        self._workspaces = Workspaces(settings, clock, vault)
        self._installing = Installing(account, settings, self._workspaces, clock=clock, random=random)
        self._words = FormWords(settings.submit, settings.yes, settings.no)
        self._threads = Lately[tuple[str, str], bool]()
        """Threads of channels in which we speak."""
        self._asking = Lately[Address, tuple[str, str]]()
        """Workspace and id of whoever spoke last: a stream in a channel is for somebody."""
        self._people = Lately[str, tuple[str, str]]()
        """Name and language, by workspace and id."""
        self._posted = Lately[tuple[str, str], str]()
        """The thread of messages of ours, by chat and ts."""
        self._untitled = Lately[Address, bool]()
        self._reacted = Lately[tuple[str, str], str]()
        self._tasks: set[asyncio.Task[None]] = set()
        self._at_work = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def __repr__(self) -> str:
        return f"Slack({self.account!r})"

    def capabilities(self, to: Address) -> Capabilities:
        in_private = to.thread.startswith("@")
        streams: Literal["native", "edit", "whole"] = "native" if to.thread else "edit"
        if in_private or not self._settings.stream:
            streams = "whole"
        return replace(
            _CAN,
            stream=streams,
            typing_every=timedelta(seconds=60) if to.thread and not in_private else None,
            can=frozenset(("toast",)) if in_private else _CAN.can,
            resend="blind" if in_private else "lookup",
            shared=not in_private and to.chat.rpartition("/")[2][:1] not in ("D", "U", "W"),
            files=Attachments(per_message=10, bytes_in=self._settings.largest_file, bytes_out=1024 * 1024 * 1024),
        )

    async def run(self, receive: Receive) -> None:
        await self._workspaces.open()
        try:
            if self._settings.connection == "socket":
                await self._over_sockets(receive)
            else:
                await asyncio.Event().wait()
        finally:
            for task in [*self._tasks]:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._workspaces.close()

    # What comes in

    def routes(self, receive: Receive) -> Mapping[str, ASGI]:
        root = f"/hooks/slack/{self.account}"
        found: dict[str, ASGI] = {}
        if self._settings.connection == "http":
            found[root] = _endpoint("POST", self._hook(receive))
        if not self._workspaces.is_one:
            found[f"{root}/install"] = _endpoint("GET", self._installing.begin)
            found[f"{root}/oauth"] = _endpoint("GET", self._installing.end)
        return found

    def _hook(self, receive: Receive) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        is_signed = self._verifier()

        async def hook(request: Request) -> Response:
            raw = await _body(request)
            if raw is None:
                return PlainTextResponse("too large", 413)
            if not is_signed(raw, request):
                return PlainTextResponse("not signed by Slack", 401)
            status, answer = await self._take(raw, receive)
            headers = {"Retry-After": "5"} if status == 503 else None
            return JSONResponse(answer, status, headers) if answer else Response(b"", status, headers)

        return hook

    def _verifier(self) -> Callable[[bytes, Request], bool]:
        from slack_sdk.signature import Clock as SignatureClock
        from slack_sdk.signature import SignatureVerifier

        clock = self._clock

        class Now(SignatureClock):
            def now(self) -> float:
                return clock.now().timestamp()

        verifier = SignatureVerifier(self._settings.signing_secret.get_secret_value(), Now())

        def is_signed(raw: bytes, request: Request) -> bool:
            try:
                return verifier.is_valid(
                    raw,
                    request.headers.get("x-slack-request-timestamp"),
                    request.headers.get("x-slack-signature"),
                )
            except Exception:  # a time that is no number, a signature that is not ASCII, a body that is not UTF-8
                return False

        return is_signed

    async def _over_sockets(self, receive: Receive) -> None:
        """Bolt keeps the connection; T0 runs before anything of Bolt's own that could acknowledge."""
        from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
        from slack_bolt.app.async_app import AsyncApp
        from slack_bolt.authorization import AuthorizeResult
        from slack_bolt.response import BoltResponse

        async def accept(req: Any, resp: Any, next_: Any) -> BoltResponse:
            status, answer = await self._take(msgspec.json.encode(req.body), receive)
            return BoltResponse(status=status, body=answer or "")

        async def nobody() -> AuthorizeResult:
            raise AssertionError("`accept` answers before anybody is asked for a token")

        app = AsyncApp(
            logger=QUIET,
            client=self._workspaces.bare_client(),
            signing_secret="none",  # nothing comes over HTTP here
            authorize=nobody,
            before_authorize=accept,
        )
        handler = AsyncSocketModeHandler(
            app, self._settings.app_token.get_secret_value(), logger=QUIET, web_client=self._workspaces.bare_client()
        )
        socket = handler.client
        try:
            await self._connect(handler)
            await asyncio.Event().wait()
        finally:
            await handler.close_async()
            left = [socket.message_processor, socket.current_session_monitor, socket.message_receiver]
            await asyncio.gather(*(task for task in left if task is not None), return_exceptions=True)
            await self._idle.wait()

    async def _connect(self, handler: Any) -> None:
        """Once connected the client connects again by itself."""
        pause = 1.0
        while True:
            try:
                handler.client.wss_uri = await self._workspaces.socket_address()
                await within(self._clock, CONNECTING, handler.connect_async())
                return
            except Forbidden as error:
                raise SettingsError(
                    f"app_token: {error}; it is the xapp-… of the app, with connections:write"
                ) from None
            except (NotSent, TimeoutError) as error:
                log.warning("slack.not_connected", account=self.account, why=error)
            await self._clock.sleep(self._random.between(pause / 2, pause))
            pause = min(pause * 2, 30.0)

    async def _take(self, raw: bytes, receive: Receive) -> tuple[int, dict[str, Any]]:
        """T0, and what Slack is answered: the status, and what it wants within the acknowledgement."""
        self._at_work += 1
        self._idle.clear()
        try:
            heard = hear(raw, self.account, listen=self._settings.listen, said_by=self._settings.commands)
            if heard.kind == "challenge":
                return 200, {"challenge": heard.challenge}
            heard = await self._told_more(heard)
            accepted = await receive(heard.arrival)
            if heard.kind == "alarm":
                await self._alarmed(heard)
        except StoreDown as down:
            log.warning("slack.store_down", account=self.account, why=down)
            return 503, {}
        except Exception:
            log.exception("slack.not_accepted", account=self.account)
            return 503, {}
        finally:
            self._at_work -= 1
            if not self._at_work:
                self._idle.set()
        self._follow_up(heard, accepted)
        return 200, _within_acknowledgement(heard, accepted)

    async def _told_more(self, heard: Heard) -> Heard:
        """With what the channel remembers: whether we speak there, and who that is."""
        arrival, to = heard.arrival, heard.arrival.to
        if not arrival.bodies:
            return heard
        name, language = self._people.get(arrival.by) or ("", "")
        arrival = replace(arrival, name=name or arrival.name, language=language)
        in_channel = bool(to.thread) and not to.thread.startswith("@") and not place(to.chat)[1].startswith("D")
        if isinstance(arrival.bodies[0], Said) and heard.user:
            self._asking.put(to, (heard.team, heard.user))
        if heard.opens and in_channel and isinstance(arrival.bodies[0], Said | Opened):
            await self._speak_in(to)
        elif not heard.opens:
            thread = self._posted.get((to.chat, to.thread)) if isinstance(arrival.bodies[0], Reacted) else None
            if thread is not None:
                arrival = replace(arrival, to=replace(to, thread=thread))
            elif not await self._speaks_in(to):
                arrival = replace(arrival, bodies=())
        return replace(heard, arrival=arrival)

    async def _speak_in(self, to: Address) -> None:
        if not self._threads.get((to.chat, to.thread)):
            await self._vault.put(f"thread/{to.chat}/{to.thread}", b"1")
            self._threads.put((to.chat, to.thread), True)

    async def _speaks_in(self, to: Address) -> bool:
        if not self._threads.get((to.chat, to.thread)):
            if await self._vault.get(f"thread/{to.chat}/{to.thread}") is None:
                return False
            self._threads.put((to.chat, to.thread), True)
        return True

    async def _alarmed(self, heard: Heard) -> None:
        match heard.what:
            case "app_uninstalled" | "tokens_revoked":
                log.error("slack.uninstalled", account=self.account, workspace=heard.team)
                if not self._workspaces.is_one:
                    await self._workspaces.forget(heard.team)
            case "app_rate_limited":
                log.error("slack.events_dropped", account=self.account, workspace=heard.team)

    # After the acknowledgement

    def _follow_up(self, heard: Heard, accepted: Accepted) -> None:
        """What needs a call: a modal, a word to whoever pressed, a title. Nothing of it is waited for."""
        if heard.trigger and isinstance(accepted.now, ShowForm):
            self._spawn(self._show_form(heard, accepted.now))
        elif isinstance(accepted.now, Toast) and heard.response_url:
            self._spawn(self._whisper(heard, accepted.now))
        if not accepted.fresh or not heard.arrival.bodies:
            if heard.what == "home:home" and self._settings.home:
                self._spawn(self._publish_home(heard))
            return
        to, body = heard.arrival.to, heard.arrival.bodies[0]
        if heard.what == "assistant_thread_started":
            self._untitled.put(to, True)
            if self._settings.prompts:
                self._spawn(self._offer_prompts(heard))
        elif isinstance(body, Said) and self._untitled.pop(to):
            self._spawn(self._set_title(heard, written(body.message)))
        if isinstance(body, Said) and self._people.get(heard.arrival.by) is None:
            self._people.put(heard.arrival.by, (heard.arrival.name, ""))
            self._spawn(self._ask_who(heard))

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        async def guarded() -> None:
            try:
                await work
            except NotSent as error:
                log.warning("slack.follow_up_failed", account=self.account, why=error)
            except StoreDown as down:
                log.warning("slack.store_down", account=self.account, why=down)

        task = asyncio.get_running_loop().create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _show_form(self, heard: Heard, show: ShowForm) -> None:
        view = modal(heard.arrival.to, show.form, self._words)
        await self._workspaces.call(heard.team, "views.open", json={"trigger_id": heard.trigger, "view": view})

    async def _whisper(self, heard: Heard, toast: Toast) -> None:
        said = {"response_type": "ephemeral", "replace_original": False, "text": mrkdwn.escape(toast.text)}
        if heard.arrival.to.thread and not heard.arrival.to.thread.startswith("@"):
            said["thread_ts"] = heard.arrival.to.thread
        await self._workspaces.post(heard.response_url, said)

    async def _offer_prompts(self, heard: Heard) -> None:
        _, channel = place(heard.arrival.to.chat)
        prompts = [prompt.model_dump() for prompt in self._settings.prompts]
        given = {"channel_id": channel, "thread_ts": heard.arrival.to.thread, "prompts": prompts}
        await self._workspaces.call(heard.team, "assistant.threads.setSuggestedPrompts", json=given)

    async def _set_title(self, heard: Heard, said: str) -> None:
        _, channel = place(heard.arrival.to.chat)
        title = " ".join(said.split())[:80]
        if title:
            given = {"channel_id": channel, "thread_ts": heard.arrival.to.thread, "title": title}
            await self._workspaces.call(heard.team, "assistant.threads.setTitle", params=given)

    async def _ask_who(self, heard: Heard) -> None:
        """Known from the next message on: nothing is looked up before one is accepted."""
        asked = {"user": heard.user, "include_locale": True}
        answer = await self._workspaces.call(heard.team, "users.info", params=asked)
        user = answer.get("user") or {}
        profile = user.get("profile") or {}
        name = profile.get("display_name") or profile.get("real_name") or user.get("real_name") or ""
        self._people.put(heard.arrival.by, (str(name), str(user.get("locale") or "")))

    async def _publish_home(self, heard: Heard) -> None:
        text = {"type": "section", "text": {"type": "mrkdwn", "text": mrkdwn.escape(self._settings.home)[:3_000]}}
        view = {"type": "home", "blocks": [text]}
        await self._workspaces.call(heard.team, "views.publish", json={"user_id": heard.user, "view": view})

    # What goes out

    async def send(
        self,
        to: Address,
        message: Message,
        *,
        key: str,
        again: bool = False,
        shown: Shown | None = None,
        reply_to: str = "",
    ) -> Receipt:
        call = render(to, message, key=key)
        if shown is not None and (receipt := await self._settle(to, message, call.payload, shown, key)):
            return receipt
        if again and not to.thread.startswith("@") and (found := await self._find(to, key)):
            return Receipt((found,), self._clock.now())
        answer = await self._call(to, call.method, json=call.payload)
        ts = answer.get("ts") or answer.get("message_ts")
        if not isinstance(ts, str):
            raise Unreachable(f"{call.method}: the answer names no message")
        return self._receipt(to, ts)

    def _receipt(self, to: Address, ts: str) -> Receipt:
        self._posted.put((to.chat, ts), to.thread)
        if to.thread and not to.thread.startswith("@"):
            self._threads.put((to.chat, to.thread), True)
        return Receipt((ts,), self._clock.now())

    async def _settle(
        self, to: Address, message: Message, payload: Mapping[str, Any], shown: Shown, key: str
    ) -> Receipt | None:
        """The draft becomes the message; None: it is gone, and the message is to be posted."""
        kind, _, ts = shown.ref.partition(":")
        if kind == "stream":
            await self._stop(to, ts)
        update = {"channel": payload["channel"], "ts": ts, **self._anew(to, message, key)}
        try:
            await self._call(to, "chat.update", json=update)
        except Forbidden as error:
            if code_of(error) in ("message_not_found", "cant_update_message"):
                return None
            raise
        return self._receipt(to, ts)

    def _anew(self, to: Address, message: Message, key: str) -> dict[str, Any]:
        """What an edit says. It has blocks always: those that were there would stay."""
        said = words(message)
        blocks = blocks_of(to, message, key=key) or [_characters(said)]
        return {"text": _notified(said), "blocks": blocks, "metadata": metadata(key)}

    async def _stop(self, to: Address, ts: str) -> None:
        """Whatever ended it before."""
        try:
            await self._call(to, "chat.stopStream", json={"channel": place(to.chat)[1], "ts": ts})
        except Unshowable as error:
            if code_of(error) != "message_not_in_streaming_state":
                log.warning("slack.stream_not_stopped", account=self.account, why=error)
        except Forbidden as error:
            if code_of(error) != "message_not_found":
                raise

    async def _find(self, to: Address, key: str) -> str | None:
        """The ts of the message that an earlier attempt has posted. Raises `NotSent` when Slack cannot say."""
        _, channel = place(to.chat)
        oldest = (self._clock.now() - LOOKED_BACK).timestamp()
        asked = {"channel": channel, "include_all_metadata": True, "oldest": f"{oldest:.6f}", "limit": 200}
        method = "conversations.history"
        if to.thread:
            method, asked = "conversations.replies", asked | {"ts": to.thread}
        for _ in range(PAGES):
            answer = await self._call(to, method, params=asked)
            for message in answer.get("messages") or ():
                kept = message.get("metadata") or {}
                if (kept.get("event_payload") or {}).get("key") == key:
                    return str(message["ts"])
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return None
            asked["cursor"] = cursor
        return None

    async def _call(self, to: Address, method: str, **arguments: Any) -> dict[str, Any]:
        return await self._workspaces.call(place(to.chat)[0], method, **arguments)

    async def open_thread(self, to: Address, title: str, *, key: str) -> Address:
        """Below a message that bears the title. All that is said there is heard."""
        receipt = await self.send(replace(to, thread=""), text(title), key=key)
        thread = replace(to, thread=receipt.refs[0])
        await self._speak_in(thread)
        return thread

    async def typing(self, to: Address) -> None:
        """A status line, which goes when something is said, or after two minutes."""
        if not to.thread or to.thread.startswith("@"):
            return
        given = {"channel_id": place(to.chat)[1], "thread_ts": to.thread, "status": self._settings.typing}
        try:
            await self._call(to, "assistant.threads.setStatus", json=given)
        except NotSent as error:
            log.info("slack.no_status", account=self.account, why=error)

    # Drafts

    async def show(self, to: Address, text: str, *, key: str, shown: Shown | None) -> Shown:
        """`ref` says how it is shown: `stream:TS`, Slack's own, or `edit:TS`, a message that is written anew."""
        if shown is None:
            return await self._begin_stream(to, text) or await self._begin_edits(to, text, key)
        kind, _, ts = shown.ref.partition(":")
        before, now = mrkdwn.inert(shown.text), mrkdwn.inert(text)
        if kind == "stream":
            if now.startswith(before) and len(now) <= LONGEST_STREAM:
                if now == before or await self._append(to, ts, now[len(before) :]):
                    return Shown(shown.ref, text, shown.since)
            elif len(now) > LONGEST_STREAM and now.startswith(before):
                return shown  # the rest comes with the message itself
            else:
                await self._stop(to, ts)
        draft = Message((Text(markup.parse(text[:LONGEST_TEXT])),))
        await self._call(to, "chat.update", json={"channel": place(to.chat)[1], "ts": ts, **self._anew(to, draft, key)})
        return Shown(f"edit:{ts}", text, shown.since)

    async def _begin_stream(self, to: Address, text: str) -> Shown | None:
        """None: it is not offered here."""
        _, channel = place(to.chat)
        if not to.thread or len(text) > LONGEST_STREAM:
            return None
        given = {"channel": channel, "thread_ts": to.thread, "markdown_text": mrkdwn.inert(text)}
        if not channel.startswith("D"):
            if (person := self._asking.get(to)) is None:
                return None
            given |= {"recipient_team_id": person[0], "recipient_user_id": person[1]}
        try:
            answer = await self._call(to, "chat.startStream", json=given)
        except Unshowable as error:
            log.info("slack.no_stream", account=self.account, why=error)
            return None
        return Shown(f"stream:{answer['ts']}", text, self._clock.now())

    async def _begin_edits(self, to: Address, text: str, key: str) -> Shown:
        draft = Message((Text(markup.parse(text[:LONGEST_TEXT])),))
        call = render(to, draft, key=key)
        answer = await self._call(to, call.method, json=call.payload)
        return Shown(f"edit:{answer['ts']}", text, self._clock.now())

    async def _append(self, to: Address, ts: str, text: str) -> bool:
        """False: Slack has ended it, as it does after five minutes; what was shown stands."""
        given = {"channel": place(to.chat)[1], "ts": ts, "markdown_text": text}
        try:
            await self._call(to, "chat.appendStream", json=given)
        except Unshowable as error:
            log.info("slack.stream_ended", account=self.account, why=error)
            return False
        return True

    async def drop(self, to: Address, shown: Shown, *, say: str | None) -> None:
        kind, _, ts = shown.ref.partition(":")
        if kind == "stream":
            await self._stop(to, ts)
        if say is None:
            await self.delete(to, ts)
        else:
            given = {"channel": place(to.chat)[1], "ts": ts}
            blocks = [_characters(say)]
            await self._call(to, "chat.update", json=given | {"text": _notified(say), "blocks": blocks})

    # Edits, reactions, files

    async def edit(self, to: Address, ref: str, message: Message, *, key: str) -> Receipt:
        given = {"channel": place(to.chat)[1], "ts": ref, **self._anew(to, message, key)}
        await self._call(to, "chat.update", json=given)
        return Receipt((ref,), self._clock.now())

    async def delete(self, to: Address, ref: str) -> None:
        try:
            await self._call(to, "chat.delete", json={"channel": place(to.chat)[1], "ts": ref})
        except Forbidden as error:
            if code_of(error) != "message_not_found":  # it is gone already
                raise

    async def react(self, to: Address, ref: str, emoji_: str | None) -> None:
        given = {"channel": place(to.chat)[1], "timestamp": ref}
        before = self._reacted.pop((to.chat, ref))
        if before is not None:
            await self._reaction(to, "reactions.remove", given | {"name": before}, "no_reaction")
        if emoji_ is None:
            return
        name = emoji.name_of(emoji_)
        if not name:
            raise Unshowable(f"Slack has no name for {emoji_!r} that we know")
        await self._reaction(to, "reactions.add", given | {"name": name}, "already_reacted")
        self._reacted.put((to.chat, ref), name)

    async def _reaction(self, to: Address, method: str, given: Mapping[str, Any], already: str) -> None:
        try:
            await self._call(to, method, json=given)
        except Unshowable as error:
            if code_of(error) != already:
                raise

    async def fetch(self, media: Media) -> AsyncIterator[bytes]:
        team, id = place(media.ref)
        most = self._settings.largest_file
        if media.size > most:
            raise Unshowable(f"{media.name or media.kind} has {media.size} bytes, more than the {most} that are taken")
        file = (await self._workspaces.call(team, "files.info", params={"file": id})).get("file") or {}
        address = file.get("url_private_download") or file.get("url_private")
        if not address:
            raise Unshowable(f"{media.name or media.kind} cannot be downloaded")
        async for piece in self._workspaces.download(team, str(address), most=most):
            yield piece

    # What was said while nobody listened

    async def missed(self, since: Mapping[str, str], *, most: int) -> AsyncIterator[Arrival]:
        for chat, ts in since.items():
            team, channel = place(chat)
            left = most
            to = Address(self.name, self.account, chat)
            roots = await self._since(to, "conversations.history", {"channel": channel, "oldest": ts}, left)
            messages = sorted(roots, key=lambda message: float(message["ts"]))
            for root in await self._recent_threads(to, channel, ts):
                asked = {"channel": channel, "ts": root, "oldest": ts}
                messages += await self._since(to, "conversations.replies", asked, left)
            for message in sorted(messages, key=lambda message: float(message["ts"]))[:left]:
                arrival = await self._as_arrival(team, channel, message)
                if arrival.bodies:
                    yield arrival

    async def _since(self, to: Address, method: str, asked: Mapping[str, Any], most: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while len(found) < most:
            answer = await self._call(to, method, params={**asked, "limit": min(most, 200), **cursor})
            found += [one for one in answer.get("messages") or () if float(one["ts"]) > float(asked["oldest"])]
            following = (answer.get("response_metadata") or {}).get("next_cursor")
            if not following:
                break
            cursor = {"cursor": following}
        return found

    async def _recent_threads(self, to: Address, channel: str, ts: str) -> list[str]:
        """Threads of the last day that were answered since."""
        asked = {"channel": channel, "oldest": f"{float(ts) - 86_400:.6f}"}
        roots = await self._since(to, "conversations.history", asked, 200)
        return [str(root["ts"]) for root in roots if float(root.get("latest_reply") or 0) > float(ts)]

    async def _as_arrival(self, team: str, channel: str, message: Mapping[str, Any]) -> Arrival:
        """As the event would have come: it is the same by its twin."""
        event = {**message, "type": "message", "channel": channel}
        envelope = {
            "type": "event_callback",
            "team_id": team,
            "event_id": f"missed:{channel}:{message['ts']}",
            "event": event,
            "authorizations": [{"team_id": team, "user_id": await self._bot_of(team)}],
        }
        raw = json.dumps(envelope).encode()
        heard = hear(raw, self.account, listen=self._settings.listen)
        return (await self._told_more(heard)).arrival

    async def _bot_of(self, team: str) -> str:
        known = self._people.get(f"{team}/bot")
        if known is None:
            answer = await self._workspaces.call(team, "auth.test", json={})
            known = (str(answer.get("user_id") or ""), "")
            self._people.put(f"{team}/bot", known)
        return known[0]


def _within_acknowledgement(heard: Heard, accepted: Accepted) -> dict[str, Any]:
    if heard.kind == "form" and isinstance(accepted.now, FormErrors):
        return {"response_action": "errors", "errors": dict(accepted.now.errors)}
    return {}


def _notified(text: str) -> str:
    return mrkdwn.escape(text[:LONGEST_NOTIFICATION])


def _characters(text: str) -> dict[str, Any]:
    """A block that shows exactly these."""
    return {"type": "rich_text", "elements": mrkdwn.rich((Span(text or " "),))}


async def _body(request: Request) -> bytes | None:
    """None: it is larger than anything Slack sends, or was never sent whole."""
    raw = bytearray()
    try:
        async for piece in request.stream():
            raw += piece
            if len(raw) > LARGEST:
                return None
    except ClientDisconnect:
        return None
    return bytes(raw)


def _endpoint(method: str, answer: Callable[[Request], Coroutine[Any, Any, Response]]) -> ASGI:
    async def endpoint(scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        if request.method != method:
            response: Response = PlainTextResponse("not here", 405, headers={"Allow": method})
        else:
            response = await answer(request)
        await response(scope, receive, send)

    return endpoint
