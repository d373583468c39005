"""A Slack of one's own: what an app may call, what it is told, and the people who write to it.

It holds what the platform holds and follows its rules; how it looks is the chat page's affair.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import random
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from bot.ports import Clock
from channels.sandbox.faults import Do, Faults
from channels.sandbox.journal import Journal
from channels.sandbox.server import BadAct, Cut, slowly
from channels.sandbox.slack import looks
from channels.sandbox.slack.acts import Acts
from channels.sandbox.slack.blocks import Refused, check_blocks
from channels.sandbox.slack.calls import METHODS, read_arguments
from channels.sandbox.slack.delivery import Delivery
from channels.sandbox.slack.seeing import Seeing
from channels.sandbox.slack.telling import Telling
from channels.sandbox.slack.world import Chat, Pane, Person, Post, ResponseUrl, Team, Trigger, Upload, View

SIGNING_SECRET = "a-signing-secret"
APP_TOKEN = "xapp-1-A0SANDBOX-1-sandbox"
CLIENT_ID, CLIENT_SECRET = "10.20", "a-client-secret"
TOKEN_LIVES = timedelta(hours=12)
TRIGGER_LIVES = timedelta(seconds=3)
CODE_LIVES = timedelta(minutes=10)
RESPONSE_LIVES = timedelta(minutes=30)
LARGEST_UPLOAD = 1024 * 1024 * 1024


class SlackSandbox:
    """Implements `Sandbox`. With a `hook` it calls there, as for an app with a request address; else Socket Mode."""

    name = "slack"
    app_id = "A0SANDBOX"

    def __init__(
        self,
        clock: Clock,
        *,
        seed: int = 0,
        hook: str = "",
        signing_secret: str = SIGNING_SECRET,
        token: str = "xoxb-1-sandbox",
        slow: bool = False,
        most_history: int = 0,
        rotating: bool = False,
    ) -> None:
        """`slow`: a message a second and chat, as Slack paces apps; `most_history`: messages a page, with one read a
        minute, as for apps that are distributed outside the Marketplace; `rotating`: tokens expire."""
        self.clock, self.journal, self.faults = clock, Journal(clock), Faults(seed)
        self.delivery = Delivery(clock, self.journal, self.faults, secret=signing_secret, app=self.app_id)
        self.delivery.hook = hook
        self.address = ""
        """Where it is served."""
        self.teams: dict[str, Team] = {}
        self.people: dict[str, Person] = {}
        self.chats: dict[str, Chat] = {}
        self.files: dict[str, Upload] = {}
        self.modals: dict[str, list[View]] = {}
        self.homes: dict[str, View] = {}
        self.domains: list[str] = []
        """Of links that the app is told of."""
        self.toast = ""
        self.most_history = most_history
        self._slow, self._rotating = slow, rotating
        self._random = random.Random(seed)
        self._ids = itertools.count(1)
        self._last_ts = 0
        self._triggers: dict[str, Trigger] = {}
        self._responses: dict[str, ResponseUrl] = {}
        self._codes: dict[str, tuple[str, Any]] = {}
        self._later: dict[str, asyncio.Task[None]] = {}
        self._room: dict[str, tuple[float, float]] = {}
        self.telling = Telling(self)
        self._acts = Acts(self)
        team = self.new_team("Sandbox", token=token)
        self.new_chat(team, "channel", "general", {team.bot})
        person = self.new_person(team, "Ana")
        self.direct(person)
        for chat in self.chats.values():
            if chat.kind == "channel":
                chat.members.add(person.id)

    # The port

    def routes(self) -> Sequence[BaseRoute]:
        return (
            Route("/api/{method}", self._api, methods=["GET", "POST"]),
            WebSocketRoute("/link", self._link),
            Route("/upload/v1/{id}", self._upload, methods=["POST"]),
            Route("/files-pri/{id}/{name}", self._private_file),
            Route("/files/{id}", self._open_file),
            Route("/response/{id}", self._response, methods=["POST"]),
            Route("/oauth/v2/authorize", self._authorize),
        )

    async def act(self, what: str, body: Mapping[str, Any]) -> Any:
        answer = await self._acts.act(what, body)
        self.journal.add("person", what, _without_bytes(body))
        return answer

    def seen(self) -> Any:
        return Seeing(self).seen()

    def told(self) -> Mapping[str, str]:
        return {
            "api": "{address}/api/",
            "token": next(iter(self.teams.values())).token,
            "app_token": APP_TOKEN,
            "signing_secret": self.delivery.secret,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
        }

    async def close(self) -> None:
        for task in self._later.values():
            task.cancel()
        await asyncio.gather(*self._later.values(), return_exceptions=True)
        await self.delivery.close()

    # What there is

    def new_id(self, letter: str) -> str:
        return f"{letter}{next(self._ids):010d}"

    def new_team(self, name: str, *, token: str = "", installed: bool = True) -> Team:
        id = self.new_id("T")
        bot = Person(self.new_id("U"), id, "Frontdesk", is_bot=True)
        team = Team(id, name, bot.id, token or f"xoxb-{self.new_id('')}-sandbox", installed=installed)
        self.teams[id], self.people[bot.id] = team, bot
        return team

    def new_person(self, team: Team, name: str) -> Person:
        person = Person(self.new_id("U"), team.id, name)
        self.people[person.id] = person
        return person

    def new_chat(self, team: Team, kind: Any, name: str, members: set[str]) -> Chat:
        letter = {"im": "D", "mpim": "G", "group": "G"}.get(kind, "C")
        chat = Chat(self.new_id(letter), team.id, kind, name, members)
        self.chats[chat.id] = chat
        return chat

    def direct(self, person: Person) -> Chat:
        """Their direct messages with the app; made when there are none."""
        for chat in self.chats.values():
            if chat.kind == "im" and person.id in chat.members:
                return chat
        team = self.teams[person.team]
        return self.new_chat(team, "im", person.name, {person.id, team.bot})

    def sees(self, team: Team, chat: Chat) -> bool:
        return chat.team == team.id or team.bot in chat.members

    def ts(self) -> str:
        """Rises, and is no number twice."""
        now = int(self.clock.now().timestamp() * 1_000_000)
        self._last_ts = max(now, self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def add(
        self,
        chat: Chat,
        *,
        by: str,
        text: str,
        blocks: list[dict[str, Any]] | None = None,
        metadata: dict[str, Any] | None = None,
        thread: str = "",
        is_bot: bool = False,
        to: str = "",
        files: list[Upload] | None = None,
        streaming: bool = False,
        markdown: bool = False,
        subtype: str = "",
    ) -> Post:
        """Say it, and tell the app where it listens: it hears itself as well."""
        now = self.clock.now()
        numbered = [{"block_id": self.new_id("b"), **block} for block in blocks or ()]
        post = Post(
            self.ts(),
            by,
            text,
            now,
            numbered,
            metadata,
            thread,
            is_bot,
            "" if is_bot else self._uuid(),
            files=files or [],
            to=to,
            streaming_since=now if streaming else None,
            subtype=subtype or ("file_share" if files else ""),
            markdown=markdown,
        )
        chat.posts[post.ts] = post
        self.journal.touch()
        if not to:
            self.telling.said(chat, post)
        return post

    def edited(self, chat: Chat, post: Post, before: Mapping[str, Any] | None = None) -> None:
        post.blocks = [{"block_id": self.new_id("b"), **block} for block in post.blocks]
        post.edited = self.ts()
        self.journal.touch()
        self.telling.changed(chat, post, before or self.shown(post))

    def deleted(self, chat: Chat, post: Post) -> None:
        before = self.shown(post)
        post.deleted = True
        self.journal.touch()
        self.telling.deleted(chat, post, before)

    def settle_status(self, chat: Chat, thread: str) -> None:
        """A status is gone once something was said."""
        if thread in chat.panes:
            chat.panes[thread].status = ""

    # As Slack shows it to apps

    def shown(self, post: Post, *, metadata: bool = True, chat: Chat | None = None) -> dict[str, Any]:
        by = self.people[post.by]
        message: dict[str, Any] = {"type": "message", "user": post.by, "text": post.text, "ts": post.ts}
        message["team"] = by.team
        if post.client_msg_id:
            message["client_msg_id"] = post.client_msg_id
        if post.is_bot:
            message |= {"bot_id": "B" + post.by[1:], "app_id": self.app_id}
        if post.subtype:
            message["subtype"] = post.subtype
        if post.blocks:
            message["blocks"] = post.blocks
        if post.thread:
            message |= {"thread_ts": post.thread}
        if chat is not None and not post.thread and any(one.thread == post.ts for one in chat.posts.values()):
            found = [one for one in chat.posts.values() if one.thread == post.ts and not one.deleted]
            latest = max((one.ts for one in found), default=post.ts)
            message |= {"thread_ts": post.ts, "reply_count": len(found), "latest_reply": latest}
        if post.edited:
            message["edited"] = {"user": post.by, "ts": post.edited}
        if post.files:
            message["files"] = [self.file_shown(upload) for upload in post.files]
        if metadata and post.metadata is not None:
            message["metadata"] = post.metadata
        if post.reactions:
            message["reactions"] = [
                {"name": name, "users": users, "count": len(users)} for name, users in post.reactions.items() if users
            ]
        return message

    def file_shown(self, upload: Upload, *, chats: bool = False) -> dict[str, Any]:
        where = f"{self.address}/files-pri/{upload.team}-{upload.id}/{upload.name}"
        shown: dict[str, Any] = {
            "id": upload.id,
            "name": upload.name,
            "title": upload.title or upload.name,
            "mimetype": upload.type or "application/octet-stream",
            "filetype": upload.name.rpartition(".")[2],
            "user": upload.by,
            "size": len(upload.data),
            "mode": "hosted",
            "url_private": where,
            "url_private_download": where,
        }
        if chats:
            shown["shares"] = self._shares(upload)
        return shown

    def _shares(self, upload: Upload) -> dict[str, dict[str, list[dict[str, str]]]]:
        shares: dict[str, dict[str, list[dict[str, str]]]] = {}
        for chat in self.chats.values():
            if found := [post for post in chat.posts.values() if upload in post.files and not post.deleted]:
                kept = shares.setdefault("public" if chat.kind == "channel" else "private", {})
                kept[chat.id] = [
                    {"ts": post.ts} | ({"thread_ts": post.thread} if post.thread else {}) for post in found
                ]
        return shares

    def about(self, chat: Chat) -> dict[str, Any]:
        return {
            "id": chat.id,
            "name": chat.name,
            "is_im": chat.kind == "im",
            "is_mpim": chat.kind == "mpim",
            "is_channel": chat.kind == "channel",
            "is_group": chat.kind == "group",
            "is_private": chat.kind != "channel",
            "is_archived": chat.archived,
            "is_member": self.teams[chat.team].bot in chat.members,
            "context_team_id": chat.team,
        }

    def name_of(self, id: str) -> str:
        found = self.people.get(id) or self.chats.get(id)
        return found.name if found else id

    # Triggers, views, response addresses

    def new_trigger(self, user: Person) -> str:
        id = f"{self.new_id('')}.{user.team}.{self._random.getrandbits(64):016x}"
        self._triggers[id] = Trigger(user.id, user.team, self.clock.now() + TRIGGER_LIVES)
        return id

    def spend_trigger(self, team: Team, id: str) -> Trigger:
        trigger = self._triggers.get(id)
        if trigger is None or trigger.team != team.id:
            raise Refused("invalid_trigger_id" if trigger is None else "not_authed")
        if self.clock.now() > trigger.until:
            raise Refused("expired_trigger_id")
        if trigger.used:
            raise Refused("exchanged_trigger_id")
        trigger.used = True
        return trigger

    def show_view(self, team: Team, user: str, view: dict[str, Any], *, on: list[View] | None = None) -> View:
        id = self.new_id("V")
        numbered = {**view, "blocks": [{"block_id": self.new_id("b"), **block} for block in view["blocks"]]}
        shown = View(id, team.id, user, numbered, self.new_id("h"), on[0].id if on else id)
        self.modals[user] = [*(on or ()), shown]
        self.journal.touch()
        return shown

    def view_shown(self, view: View) -> dict[str, Any]:
        team = self.teams[view.team]
        given = {"submit": None, "close": None, "private_metadata": "", "callback_id": "", "external_id": ""}
        return {
            **given,
            **view.view,
            "id": view.id,
            "team_id": view.team,
            "app_id": self.app_id,
            "bot_id": team.bot_id,
            "app_installed_team_id": view.team,
            "state": {"values": self._acts.forms.state_of(view)},
            "hash": view.hash,
            "root_view_id": view.root,
            "previous_view_id": None,
        }

    def new_response_url(self, chat: Chat, user: Person, *, thread: str = "", post: str = "") -> str:
        id = f"{self._random.getrandbits(64):016x}"
        until = self.clock.now() + RESPONSE_LIVES
        self._responses[id] = ResponseUrl(chat.id, user.id, chat.team, thread, post, until)
        return f"{self.address}/response/{id}"

    # What Slack paces and refuses

    def needs(self, team: Team, scope: str) -> None:
        if scope and scope not in team.scopes:
            raise Refused("missing_scope", needed=scope, provided=",".join(sorted(team.scopes)))

    def pace(self, chat: Chat) -> None:
        """A message a second and chat; a few more at once are let through."""
        if self._slow:
            self._spend(f"post {chat.id}", every=1.0, burst=4)

    def slow_history(self) -> None:
        if self.most_history:
            self._spend("history", every=60.0, burst=1)

    def _spend(self, what: str, *, every: float, burst: int) -> None:
        now = self.clock.monotonic()
        left, since = self._room.get(what, (float(burst), now))
        left = min(float(burst), left + (now - since) / every)
        if left < 1:
            raise Refused("ratelimited", after=max(1, round((1 - left) * every + 0.5)))
        self._room[what] = (left - 1, now)

    def later(self, seconds: float, chat: Chat, go: Callable[[], Any]) -> str:
        id = self.new_id("Q")

        async def wait() -> None:
            await self.clock.sleep(seconds)
            go()
            self._later.pop(id, None)

        self._later[id] = asyncio.get_running_loop().create_task(wait())
        return id

    def not_later(self, id: str) -> bool:
        task = self._later.pop(id, None)
        return task is not None and task.cancel()

    def uninstall(self, team: Team) -> None:
        team.installed = False
        self.telling.uninstalled(team)

    # The Web API

    async def _api(self, request: Request) -> Response:
        name = request.path_params["method"]
        self._learn(request)
        do = self.faults.next(name) or Do()
        if do.delay:
            await self.clock.sleep(do.delay)
        if do.cut:
            return Cut()
        if do.status or do.error:
            self.journal.add("refused", name, {"status": do.status or 200, "error": do.error})
            return _fault(do)
        arguments: dict[str, Any] = {}
        headers = {}
        try:
            arguments = await _arguments(request)
            answer = self._call(name, arguments, request.headers.get("authorization", ""))
        except Refused as refused:
            status = 200
            answer = {"ok": False, "error": refused.error, **refused.more}
            if refused.messages:
                answer["response_metadata"] = {"messages": [*refused.messages]}
                answer["errors"] = [one.removeprefix("[ERROR] ") for one in refused.messages]
            if refused.error == "ratelimited":
                status, headers = 429, {"Retry-After": str(answer.pop("after"))}
            self.journal.add("refused", name, {"error": refused.error, "arguments": _without_secrets(arguments)})
            return JSONResponse(answer, status, headers)
        self.journal.add("call", name, _without_secrets(arguments) | {"answer": _brief(answer)})
        if do.accept_then_cut:
            return Cut()
        team = next(
            (team for team in self.teams.values() if f"Bearer {team.token}" == request.headers.get("authorization")),
            None,
        )
        granted = {"x-oauth-scopes": ",".join(sorted(team.scopes))} if team else None
        response = JSONResponse({"ok": True, **answer}, headers=granted)
        return slowly(response, do.slow, self.clock) if do.slow else response

    def _call(self, name: str, arguments: dict[str, Any], authorization: str) -> dict[str, Any]:
        token = arguments.pop("token", "") or authorization.removeprefix("Bearer ")
        if name == "oauth.v2.access":
            return self._access(arguments, authorization)
        if name == "apps.connections.open":
            return self._open_connection(token)
        method = METHODS.get(name)
        if method is None:
            raise Refused("unknown_method", req_method=name)
        team = self._team_of(token)
        arguments.pop("team_id", None)
        self.needs(team, method.scope)
        return method.does(self, team, read_arguments(method, arguments))

    def _team_of(self, token: str) -> Team:
        if not token:
            raise Refused("not_authed")
        team = next((team for team in self.teams.values() if team.token == token), None)
        if team is None:
            raise Refused("invalid_auth")
        if not team.installed:
            raise Refused("account_inactive")
        if team.expires_at is not None and self.clock.now() >= team.expires_at:
            raise Refused("token_expired")
        return team

    def _open_connection(self, token: str) -> dict[str, Any]:
        if not token:
            raise Refused("not_authed")
        if token != APP_TOKEN:
            raise Refused("not_allowed_token_type" if token.startswith("xoxb") else "invalid_auth")
        return {"url": self.address.replace("http", "ws", 1) + "/link?ticket=" + self.new_id("")}

    async def _link(self, socket: WebSocket) -> None:
        await self.delivery.connection(socket)

    # Installing

    async def _authorize(self, request: Request) -> Response:
        """As if the person had pressed Allow; `team` in the query chooses the workspace, which is made if need be."""
        self._learn(request)
        query = request.query_params
        if query.get("client_id") != CLIENT_ID:
            return PlainTextResponse("invalid_client_id", 400)
        wanted = query.get("team")
        team = next((team for team in self.teams.values() if wanted in (None, team.id, team.name)), None)
        team = team or self.new_team(str(wanted), installed=False)
        code = self.new_id("code")
        redirect = query.get("redirect_uri", "")
        team.scopes = {scope for scope in re.split(r"[ ,]+", query.get("scope", "")) if scope}
        self._codes[code] = (team.id, (redirect, self.clock.now() + CODE_LIVES))
        joint = "&" if "?" in redirect else "?"
        return RedirectResponse(f"{redirect}{joint}code={code}&state={query.get('state', '')}", 302)

    def _access(self, given: Mapping[str, Any], authorization: str) -> dict[str, Any]:
        if not _is_client(given, authorization):
            raise Refused("bad_client_secret")
        if given.get("grant_type") == "refresh_token":
            team = next((team for team in self.teams.values() if team.refresh and
                         team.refresh == given.get("refresh_token")), None)  # fmt: skip
            if team is None:
                raise Refused("invalid_refresh_token")
        else:
            team_id, (redirect, until) = self._codes.pop(given.get("code", ""), ("", ("", None)))
            if not team_id:
                raise Refused("invalid_code")
            if self.clock.now() > until:
                raise Refused("code_expired")
            if given.get("redirect_uri", redirect) != redirect:
                raise Refused("bad_redirect_uri")
            team = self.teams[team_id]
            team.installed = True
        if self._rotating:
            team.token = f"xoxe.xoxb-{self.new_id('')}-sandbox"
            team.refresh, team.expires_at = f"xoxe-{self.new_id('')}", self.clock.now() + TOKEN_LIVES
        answer: dict[str, Any] = {
            "access_token": team.token,
            "token_type": "bot",
            "scope": ",".join(sorted(team.scopes)),
            "bot_user_id": team.bot,
            "app_id": self.app_id,
            "team": {"id": team.id, "name": team.name},
            "enterprise": None,
            "is_enterprise_install": False,
            "authed_user": {"id": next(p.id for p in self.people.values() if p.team == team.id)},
        }
        if self._rotating:
            answer |= {"refresh_token": team.refresh, "expires_in": int(TOKEN_LIVES.total_seconds())}
        return answer

    # Files and response addresses

    async def _upload(self, request: Request) -> Response:
        do = self.faults.next("upload") or Do()
        upload = self.files.get(request.path_params["id"])
        if upload is None or upload.done:
            return PlainTextResponse("no such upload", 404)
        if do.cut or do.status:
            return Cut() if do.cut else PlainTextResponse("fault", do.status)
        data = await request.body()
        if request.headers.get("content-type", "").startswith("multipart/"):
            form = await request.form()
            data = b"".join([await one.read() for one in form.values() if not isinstance(one, str)])
        if len(data) > LARGEST_UPLOAD:
            return PlainTextResponse("too large", 413)
        upload.data = data
        self.journal.add("call", "upload", {"id": upload.id, "name": upload.name, "size": len(data)})
        return Cut() if do.accept_then_cut else PlainTextResponse(f"OK - {len(data)}")

    async def _private_file(self, request: Request) -> Response:
        """Only with the workspace's token; without it Slack sends to its sign-in page."""
        team, _, id = request.path_params["id"].partition("-")
        upload, token = self.files.get(id), request.headers.get("authorization", "").removeprefix("Bearer ")
        if upload is None:
            return PlainTextResponse("not found", 404)
        owner = self.teams[team]
        if token != owner.token or "files:read" not in owner.scopes:
            self.journal.add("refused", "file", {"id": id})
            return RedirectResponse(f"{self.address}/?redir={id}", 302)
        self.journal.add("call", "file", {"id": id})
        return Response(upload.data, media_type=upload.type or "application/octet-stream")

    async def _open_file(self, request: Request) -> Response:
        """For the chat page."""
        upload = self.files.get(request.path_params["id"])
        if upload is None:
            return PlainTextResponse("not found", 404)
        return Response(upload.data, media_type=upload.type or "application/octet-stream")

    async def _response(self, request: Request) -> Response:
        url = self._responses.get(request.path_params["id"])
        if url is None or self.clock.now() > url.until or url.left <= 0:
            self.journal.add(
                "refused", "response_url", {"error": "used_url" if url and not url.left else "expired_url"}
            )
            return PlainTextResponse("used_url" if url and not url.left else "expired_url", 404)
        try:
            given = msgspec.json.decode(await request.body(), type=dict[str, Any])
            blocks = check_blocks(given["blocks"]) if given.get("blocks") else []
        except (msgspec.MsgspecError, Refused) as error:
            why = error.error if isinstance(error, Refused) else "invalid_payload"
            self.journal.add("refused", "response_url", {"error": why})
            return PlainTextResponse(why, 400 if why == "invalid_payload" else 500)
        url.left -= 1
        chat = self.chats[url.chat]
        self.journal.add("call", "response_url", given)
        before = chat.posts.get(url.post)
        if before is not None and given.get("delete_original"):
            before.deleted = True
        elif before is not None and given.get("replace_original"):
            before.text, before.blocks = given.get("text", ""), blocks
        else:
            everyone = given.get("response_type") == "in_channel"
            self.add(
                chat,
                by=self.teams[chat.team].bot,
                text=given.get("text", ""),
                blocks=blocks,
                thread=url.thread,
                is_bot=True,
                to="" if everyone else url.user,
            )
        self.journal.touch()
        return PlainTextResponse("ok")

    # Small things

    def _learn(self, request: Request) -> None:
        self.address = self.address or str(request.base_url).rstrip("/")

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def pane(self, chat: Chat, thread: str) -> Pane:
        return chat.panes.setdefault(thread, Pane())

    def spans_of(self, post: Post) -> list[dict[str, Any]]:
        return looks.said(post.text, post.blocks, post.markdown, self.name_of)

    def chat_of(self, id: str) -> tuple[Chat, str]:
        """The chat and the thread that an act names. Raises `BadAct`."""
        chat_id, _, thread = id.partition(":")
        chat = self.chats.get(chat_id)
        if chat is None or (thread and thread not in chat.posts):
            raise BadAct(f"there is no chat {id!r}; there are {', '.join(self.chats)}")
        return chat, thread


def _fault(do: Do) -> Response:
    if do.status == 429:
        answer = {"ok": False, "error": do.error or "ratelimited"}
        return JSONResponse(answer, 429, headers={"Retry-After": str(round(do.after) or 1)})
    if do.status >= 500:
        return PlainTextResponse("upstream connect error", do.status)
    return JSONResponse({"ok": False, "error": do.error or "fatal_error"}, do.status or 200)


async def _arguments(request: Request) -> dict[str, Any]:
    """Of the address, a form or JSON: clients use each of them. Raises `Refused`."""
    arguments: dict[str, Any] = dict(request.query_params)
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if request.method == "GET" or not (raw := await request.body()):
        return arguments
    if kind == "application/json":
        try:
            given = msgspec.json.decode(raw)
        except msgspec.DecodeError:
            raise Refused("invalid_json") from None
        if not isinstance(given, dict):
            raise Refused("json_not_object")
        return arguments | given
    if kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return arguments | {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    raise Refused("invalid_post_type")


def _is_client(given: Mapping[str, Any], authorization: str) -> bool:
    basic = "Basic " + base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
    return authorization == basic or (given.get("client_id"), given.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)


def _without_secrets(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if name not in ("token", "client_secret", "refresh_token")}


def _without_bytes(body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {"name": value[0], "type": value[1], "size": len(value[2])} if isinstance(value, tuple) else value
        for name, value in body.items()
    }


def _brief(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name in ("ts", "channel", "message_ts", "file_id")}
