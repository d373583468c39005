"""The door to Slack: `Settings`, `build`, `check` and `setup` are what the registry of channels asks of it.

Importing it imports no library of Slack's: they are loaded by the first account that connects or calls.
"""

from channels.slack.building import build, check, setup
from channels.slack.settings import Settings

__all__ = ["Settings", "build", "check", "setup"]
