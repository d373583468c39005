"""An account of Slack from its settings: built, looked at, and told how to be set up."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

from bot.errors import Forbidden, NotSent, SettingsError
from bot.ports import Clock, FileStore, Finding, Random, Vault
from channels.slack.channel import Slack
from channels.slack.client import Workspaces
from channels.slack.settings import Settings

_EVENTS = (
    "app_home_opened",
    "app_mention",
    "app_uninstalled",
    "assistant_thread_context_changed",
    "assistant_thread_started",
    "channel_archive",
    "group_archive",
    "member_joined_channel",
    "member_left_channel",
    "message.channels",
    "message.groups",
    "message.im",
    "message.mpim",
    "reaction_added",
    "reaction_removed",
    "tokens_revoked",
)


def build(account: str, settings: Settings, *, clock: Clock, random: Random, vault: Vault, files: FileStore) -> Slack:
    """Implements `BuildChannel`. Raises `SettingsError`."""
    token, installs = settings.token.get_secret_value(), bool(settings.client_id)
    if settings.connection == "socket" and not settings.app_token.get_secret_value():
        raise SettingsError("connection: socket needs the secret app_token (xapp-…, with connections:write)")
    if settings.connection == "http" and not settings.signing_secret.get_secret_value():
        raise SettingsError("connection: http needs the secret signing_secret: nobody but Slack may call the hook")
    if token and installs:
        raise SettingsError("token is of one workspace, client_id is for several: set one of the two")
    if not token and not installs:
        raise SettingsError("the secret token (xoxb-…) is missing; for several workspaces set client_id instead")
    if installs and not (settings.client_secret.get_secret_value() and settings.public):
        raise SettingsError("with client_id the secret client_secret and `public`, our own address, are needed")
    return Slack(account, settings, clock=clock, random=random, vault=vault, files=files)


class _Wall:
    """The machine's own time: nothing that is looked at here is ever repeated."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


async def check(account: str, settings: Settings, *, vault: Vault) -> tuple[Finding, ...]:
    """Ask Slack whether the account is set up rightly."""
    workspaces = Workspaces(settings, _Wall(), vault)
    found = []
    teams = [""] if workspaces.is_one else [name.removeprefix("install/") for name in await vault.names("install/")]
    if not teams:
        where = f"{settings.public.rstrip('/')}/hooks/slack/{account}/install"
        found.append(Finding(False, "no workspace has installed the app", f"open {where} and press Allow"))
    for team in teams:
        found += [one async for one in _of_workspace(workspaces, team, settings)]
    if settings.connection == "socket":
        found.append(await _socket(workspaces, settings))
    elif not settings.public.startswith("https://"):
        found.append(Finding(False, "Slack calls https addresses only", "set `public` to https://…"))
    return tuple(found)


async def _of_workspace(workspaces: Workspaces, team: str, settings: Settings) -> AsyncIterator[Finding]:
    try:
        answer, scopes = await workspaces.identity(team)
    except Forbidden as error:
        what = f"the token is refused ({error})"
        yield Finding(False, what, "install the app anew and set the new xoxb-… as token")
        return
    except NotSent as error:
        yield Finding(False, f"Slack cannot be asked ({error})", "try again; is this machine allowed out?")
        return
    yield Finding(True, f"installed in {answer.get('team')} as {answer.get('user')}")
    missing = [scope for scope in settings.scopes if scope not in scopes]
    if scopes and missing:
        todo = "add them under OAuth & Permissions, and install the app anew"
        yield Finding(False, f"scopes are missing: {', '.join(missing)}", todo)
    elif scopes:
        yield Finding(True, "all scopes are granted")


async def _socket(workspaces: Workspaces, settings: Settings) -> Finding:
    try:
        await workspaces.socket_address()
    except NotSent as error:
        todo = "make an app-level token with connections:write, and switch Socket Mode on"
        return Finding(False, f"Socket Mode is refused ({error})", todo)
    return Finding(True, "Socket Mode is on")


async def setup(account: str, settings: Settings, *, vault: Vault) -> tuple[Finding, ...]:
    """Slack is set up in the browser: what to paste there."""
    shown = json.dumps(manifest(account, settings), indent=2, ensure_ascii=False)
    return (
        Finding(
            True, "the app's manifest", f"at https://api.slack.com/apps, Create New App, From a manifest:\n{shown}"
        ),
    )


def manifest(account: str, settings: Settings, *, name: str = "Frontdesk") -> dict[str, Any]:
    """What `From a manifest` takes; the same settings give the same."""
    hook = f"{settings.public.rstrip('/') or 'https://desk.example'}/hooks/slack/{account}"
    over_http = settings.connection == "http"
    told = [*_EVENTS, *(["link_shared"] if settings.previews else [])]
    events: dict[str, Any] = {"bot_events": sorted(told)}
    interactivity: dict[str, Any] = {"is_enabled": True}
    oauth: dict[str, Any] = {"scopes": {"bot": [*settings.scopes]}}
    if over_http:
        events["request_url"] = interactivity["request_url"] = interactivity["message_menu_options_url"] = hook
    if settings.client_id:
        oauth["redirect_urls"] = [f"{hook}/oauth"]
    features: dict[str, Any] = {
        "app_home": {
            "home_tab_enabled": bool(settings.home),
            "messages_tab_enabled": True,
            "messages_tab_read_only_enabled": False,
        },
        "bot_user": {"display_name": name, "always_online": True},
        "assistant_view": {
            "assistant_description": "Ask us anything.",
            "suggested_prompts": [prompt.model_dump() for prompt in settings.prompts],
        },
    }
    if commands := [*_commands(settings, hook if over_http else "")]:
        features["slash_commands"] = commands
    if settings.shortcuts:
        features["shortcuts"] = [
            {"name": each.name, "type": each.on, "callback_id": id, "description": each.about or each.name}
            for id, each in settings.shortcuts.items()
        ]
    if settings.previews:
        features["unfurl_domains"] = sorted({address.partition("/")[0] for address in settings.previews})
    return {
        "display_information": {"name": name},
        "features": features,
        "oauth_config": oauth,
        "settings": {
            "event_subscriptions": events,
            "interactivity": interactivity,
            "org_deploy_enabled": bool(settings.client_id),
            "socket_mode_enabled": not over_http,
            "token_rotation_enabled": bool(settings.client_id),
        },
    }


def _commands(settings: Settings, hook: str) -> Iterator[dict[str, Any]]:
    for command, words in settings.commands.items():
        about = {"command": command, "description": words or "Ask us", "should_escape": True}
        yield about | ({"url": hook} if hook else {})
