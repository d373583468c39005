"""Whether an account is set up rightly, and what can be set up for it; asked of Discord itself."""

from __future__ import annotations

from typing import Any

from bot.errors import Forbidden, NotSent
from bot.ports import Finding, Vault
from channels.discord import commands
from channels.discord.render import Call
from channels.discord.settings import Settings

_CONTENT = 1 << 18 | 1 << 19
PERMISSIONS = (1 << 10) | (1 << 11) | (1 << 14) | (1 << 15) | (1 << 16) | (1 << 6) | (1 << 35) | (1 << 38)
"""See channels, send, embed links, attach files, read history, react, make threads, write in them."""


def invite(application: str) -> str:
    """Where the owner of a server adds the bot to it."""
    scope = "bot+applications.commands"
    return f"https://discord.com/oauth2/authorize?client_id={application}&scope={scope}&permissions={PERMISSIONS}"


async def check(account: str, settings: Settings, *, vault: Vault) -> tuple[Finding, ...]:
    from channels.discord.client import Line

    line = Line(settings, lambda text: None)
    try:
        application = await _application(line)
        if isinstance(application, Finding):
            return (application,)
        found = [Finding(True, f"Discord knows the bot as {application['name']!r}")]
        found += [_content(settings, application), _interactions(account, settings, application)]
        found += [
            await _logins(line),
            *await _servers(line),
            *[await _place(line, place) for place in settings.channels],
        ]
        found.append(await _commands(settings, vault))
        return tuple(found)
    finally:
        await line.close()


async def setup(account: str, settings: Settings, *, vault: Vault) -> tuple[Finding, ...]:
    """Sets the commands; gives the link that invites the bot."""
    from channels.discord.client import Line

    line = Line(settings, lambda text: None)
    try:
        application = await _application(line)
        if isinstance(application, Finding):
            return (application,)
        made = commands.registered(settings.commands)
        ids = {"application": line.application}
        try:
            await line.call(Call("PUT", "/applications/{application}/commands", ids, made))
        except NotSent as error:
            return (Finding(False, f"Discord refuses the commands: {error}", "mend `commands` of this account"),)
        await vault.put("commands", commands.digest(made))
        names = ", ".join(f"/{name}" for name in settings.commands) or "none"
        return (
            Finding(True, f"commands are set: {names}"),
            Finding(True, "the bot can be invited", f"open {invite(line.application)}"),
        )
    finally:
        await line.close()


async def _application(line: Any) -> Any:
    try:
        await line.login()
        return await line.call(Call("GET", "/applications/@me", {}))
    except Forbidden as refused:
        return Finding(False, f"Discord refuses the token ({refused})", "make a new one in the portal, under Bot")
    except NotSent as error:
        return Finding(False, f"Discord cannot be asked: {error}", "try again, and look at the network")


def _content(settings: Settings, application: Any) -> Finding:
    granted = bool(int(application.get("flags") or 0) & _CONTENT)
    if granted or not settings.content:
        said = "may read what is said in servers" if granted else "reads direct messages and mentions only"
        return Finding(True, f"the bot {said}")
    page = f"https://discord.com/developers/applications/{application['id']}/bot"
    wanted = "switch on MESSAGE CONTENT INTENT under Privileged Gateway Intents"
    return Finding(
        False, "the bot may not read what is said in servers", f"{wanted} at {page}, or set `content: false`"
    )


def _interactions(account: str, settings: Settings, application: Any) -> Finding:
    address = application.get("interactions_endpoint_url") or ""
    page = f"https://discord.com/developers/applications/{application['id']}/information"
    if settings.interactions == "gateway":
        if not address:
            return Finding(True, "presses and commands come over the gateway")
        told = f"presses and commands go to {address}, and this account waits for them at the gateway"
        return Finding(False, told, f"empty Interactions Endpoint URL at {page}, or set `interactions: http`")
    path = f"/hooks/discord/{account}"
    if settings.public_key != application.get("verify_key"):
        return Finding(False, "`public_key` is not that of the application", f"set {application.get('verify_key')}")
    if not address.endswith(path):
        told = f"presses and commands do not come to {path}"
        return Finding(False, told, f"set Interactions Endpoint URL at {page} to your address and {path}")
    return Finding(True, f"presses and commands go to {address}")


async def _logins(line: Any) -> Finding:
    try:
        told = await line.call(Call("GET", "/gateway/bot", {}))
        left = int(told["session_start_limit"]["remaining"])
    except (NotSent, KeyError, TypeError, ValueError) as error:
        return Finding(False, f"the gateway cannot be asked: {error}", "try again")
    wait = "" if left > 10 else "stop restarting it: without any left Discord resets the token"
    return Finding(left > 10, f"{left} logins are left for today", wait)


async def _servers(line: Any) -> list[Finding]:
    try:
        servers = await line.call(Call("GET", "/users/@me/guilds", {}))
    except NotSent as error:
        return [Finding(False, f"its servers cannot be asked for: {error}", "try again")]
    if not servers:
        return [Finding(False, "the bot is in no server", f"invite it: {invite(line.application)}")]
    names = ", ".join(repr(one["name"]) for one in servers[:10])
    return [Finding(True, f"the bot is in {len(servers)} servers: {names}")]


async def _place(line: Any, place: str) -> Finding:
    try:
        told = await line.call(Call("GET", "/channels/{channel_id}", {"channel_id": place}))
        return Finding(True, f"it answers in #{told.get('name')} without a mention")
    except NotSent as error:
        wanted = "let the bot see it, or take it from `channels`"
        return Finding(False, f"channel {place} cannot be seen ({error})", wanted)


async def _commands(settings: Settings, vault: Vault) -> Finding:
    made = commands.registered(settings.commands)
    known = await vault.get("commands")
    if known == commands.digest(made) or not (made or known):
        return Finding(True, f"{len(made)} commands are set")
    return Finding(
        False, "the commands have changed", "`frontdesk channel setup` sets them, and so does the next start"
    )
