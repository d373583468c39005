"""Discord: gateway and HTTP, direct messages, servers, threads. Importing this imports no library of the platform."""

from channels.discord.channel import build
from channels.discord.settings import Settings
from channels.discord.setup import check, setup

__all__ = ["Settings", "build", "check", "setup"]
