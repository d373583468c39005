"""Installing the app in a workspace: two pages below the account's hook. https://docs.slack.dev/authentication

Whoever opens the first is sent to Slack, and comes back to the second with a code. What is signed into `state` and
kept in a cookie says that both were the same browser, not long ago.
"""

from __future__ import annotations

import hashlib
import hmac
from html import escape
from urllib.parse import urlencode

import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from bot.errors import NotSent, StoreDown
from bot.ports import Clock, Random
from channels.slack.client import Workspaces, installation_of
from channels.slack.settings import Settings

log = structlog.get_logger()
LIVES = 600
"""Seconds that somebody may take to press Allow."""
_COOKIE = "frontdesk_slack"
_HEADERS = {"Content-Security-Policy": "default-src 'none'", "Referrer-Policy": "no-referrer"}


class Installing:
    def __init__(
        self, account: str, settings: Settings, workspaces: Workspaces, *, clock: Clock, random: Random
    ) -> None:
        self._account, self._settings, self._workspaces = account, settings, workspaces
        self._clock, self._random = clock, random

    @property
    def back(self) -> str:
        return f"{self._settings.public.rstrip('/')}/hooks/slack/{self._account}/oauth"

    async def begin(self, request: Request) -> Response:
        settings, nonce = self._settings, self._random.token()
        state = self._signed(int(self._clock.now().timestamp()) + LIVES, nonce)
        query = {
            "client_id": settings.client_id,
            "scope": ",".join(settings.scopes),
            "redirect_uri": self.back,
            "state": state,
        }
        asked = {name: value for name in ("team",) if (value := request.query_params.get(name))}
        where = f"{settings.base.removesuffix('/').removesuffix('/api')}/oauth/v2/authorize?{urlencode(query | asked)}"
        answer = RedirectResponse(where, 302, headers=_HEADERS)
        secure = self.back.startswith("https://")
        path = f"/hooks/slack/{self._account}"
        answer.set_cookie(_COOKIE, nonce, max_age=LIVES, path=path, secure=secure, httponly=True, samesite="lax")
        return answer

    async def end(self, request: Request) -> Response:
        query = request.query_params
        if not self._is_ours(query.get("state", ""), request.cookies.get(_COOKIE, "")):
            return _page("This page was not opened from the install page, or too long ago. Please begin again.", 400)
        if error := query.get("error"):
            return _page(f"Slack says: {error}. Nothing was installed.", 400)
        try:
            answer = await self._workspaces.access(code=query.get("code", ""), redirect_uri=self.back)
            installation = installation_of(answer, self._clock.now())
            allowed = self._settings.workspaces
            if allowed and installation.team not in allowed:
                log.warning("slack.not_allowed", account=self._account, workspace=installation.team)
                return _page("This workspace is not on the list of those that may install it.", 403)
            await self._workspaces.install(installation)
        except NotSent as error:
            log.warning("slack.not_installed", account=self._account, why=error)
            return _page("Slack did not accept the code. Please begin again.", 400)
        except StoreDown:
            return _page("It cannot be kept at the moment. Please begin again in a few minutes.", 503)
        log.info("slack.installed", account=self._account, workspace=installation.team)
        return _page(f"Installed in {installation.name or installation.team}. You can close this page.", 200)

    def _signed(self, until: int, nonce: str) -> str:
        secret = self._settings.client_secret.get_secret_value().encode()
        proof = hmac.new(secret, f"{self._account}.{until}.{nonce}".encode(), hashlib.sha256).hexdigest()
        return f"{until}.{nonce}.{proof}"

    def _is_ours(self, state: str, cookie: str) -> bool:
        until, _, rest = state.partition(".")
        nonce = rest.partition(".")[0]
        if not (until.isascii() and until.isdigit() and len(until) < 12 and nonce and cookie):
            return False
        right = self._signed(int(until), nonce).encode()
        is_right = hmac.compare_digest(right, state.encode()) & hmac.compare_digest(nonce.encode(), cookie.encode())
        return is_right and int(until) >= self._clock.now().timestamp()


def _page(words: str, status: int) -> Response:
    html = f"<!doctype html><meta charset=utf-8><title>Slack</title><p>{escape(words)}</p>"
    return HTMLResponse(html, status, headers=_HEADERS)
