"""A stand-in of the Telegram Bot API: `sandbox.py` puts it together."""
