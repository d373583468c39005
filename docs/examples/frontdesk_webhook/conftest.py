"""So that a failing promise shows the values it was about."""

import pytest

pytest.register_assert_rewrite("bot.testing.channel")
