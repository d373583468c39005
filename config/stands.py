"""The platforms of `frontdesk demo`: a stand-in of each on a port of its own, with an account wired to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from bot.errors import SettingsError
from bot.ports import Clock
from channels import channel_module
from channels.sandbox.server import Sandbox, serving, told
from config.doors import Account, settings_of
from config.sandbox import made

LIBRARIES = {"telegram": "aiogram", "slack": "slack_bolt", "discord": "discord"}

WIRED = ("api", "token", "app_token")
"""What an account is told of what its sandbox tells."""


@dataclass(frozen=True, slots=True)
class Stand:
    platform: str
    address: str = ""
    """Of its chat page; empty: it is not there."""
    account: Account | None = None
    why: str = ""
    """It is not there."""


@asynccontextmanager
async def standing(
    flows: Path, clock: Clock, *, port: int = 0, libraries: Mapping[str, str] = LIBRARIES
) -> AsyncIterator[Sequence[Stand]]:
    """Each platform whose library is installed, until left. `port`: of the first, where it and those after are free."""
    async with AsyncExitStack() as stack:
        found: list[Stand] = []
        for at, (platform, library) in enumerate(libraries.items()):
            if find_spec(library) is None:
                found.append(Stand(platform, why=f"needs pip install 'frontdesk[{platform}]'"))
                continue
            try:
                kind = settings_of(channel_module(platform))
            except SettingsError as error:
                found.append(Stand(platform, why=str(error)))
                continue
            sandbox = made(platform, clock)
            address = await _served(stack, sandbox, port + at if port else 0)
            known = told(sandbox, address)
            # A sandbox forgets everything, and begins its numbers anew: what an earlier one said is another account's.
            name = f"{platform}-{clock.now():%m%d-%H%M%S}"
            settings = kind.model_validate({key: known[key] for key in WIRED if key in known})
            account = Account(name=name, channel=platform, flows=flows, team="", settings=settings)
            found.append(Stand(platform, address, account))
        yield found


def load_libraries(stands: Sequence[Stand]) -> None:
    """Import what their channels will ask for."""
    for stand in stands:
        if stand.account:
            import_module(LIBRARIES[stand.platform])


async def _served(stack: AsyncExitStack, sandbox: Sandbox, port: int) -> str:
    """On that port, so that an open chat page goes on after a restart; on another where somebody has it."""
    try:
        return await stack.enter_async_context(serving(sandbox, port=port))
    except OSError:
        return await stack.enter_async_context(serving(sandbox))
