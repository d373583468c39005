"""Slack's errors as ours, by what the outbox does next. https://docs.slack.dev/reference/methods"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot.errors import Forbidden, NotSent, TryLater, Unreachable, Unshowable

if TYPE_CHECKING:
    from slack_sdk.errors import SlackApiError

NOT_THIS_ADDRESS = frozenset(
    (
        "cannot_dm_bot",
        "cannot_reply_to_message",
        "cant_delete_message",
        "cant_update_message",
        "channel_is_limited_access",
        "channel_not_found",
        "is_archived",
        "is_inactive",
        "message_not_found",
        "messages_tab_disabled",
        "not_in_channel",
        "restricted_action",
        "restricted_action_non_threadable_channel",
        "restricted_action_read_only_channel",
        "restricted_action_thread_locked",
        "restricted_action_thread_only_channel",
        "slack_connect_canvas_sharing_blocked",
        "slack_connect_file_link_sharing_blocked",
        "team_access_not_granted",
        "team_not_found",
        "thread_not_found",
        "user_disabled",
        "user_not_found",
        "user_not_in_channel",
        "user_not_visible",
    )
)
NOT_THIS_ACCOUNT = frozenset(
    (
        "access_denied",
        "account_inactive",
        "accesslimited",
        "app_missing_action_url",
        "ekm_access_denied",
        "enterprise_is_restricted",
        "invalid_auth",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "org_login_required",
        "token_expired",
        "token_revoked",
        "two_factor_setup_required",
    )
)
NOT_NOW = frozenset(
    (
        "message_limit_exceeded",
        "rate_limited",
        "ratelimited",
        "request_timeout",
        "service_unavailable",
        "team_added_to_org",
    )
)
UNKNOWN = frozenset(("fatal_error", "internal_error"))
"""Slack says of these that a part of it may have been done."""


def told(method: str, error: SlackApiError, *, scope: Any) -> NotSent:
    """What the outbox goes by."""
    response: Any = error.response
    status = getattr(response, "status_code", getattr(response, "status", 200))
    data = getattr(response, "data", None)
    code = str(data.get("error", "")) if isinstance(data, dict) else ""
    more = "; ".join(map(str, _messages(data)))
    why = f"{method}: {code or status}" + (f" ({more})" if more else "")
    if status == 429 or code in NOT_NOW:
        return TryLater(why, after=waits(getattr(response, "headers", None) or {}))
    if status >= 500 or code in UNKNOWN or not code:
        return Unreachable(why)
    if code in NOT_THIS_ADDRESS:
        return Forbidden(why, scope="address")
    if code in NOT_THIS_ACCOUNT:
        return Forbidden(why, scope=scope)
    return Unshowable(why)


def code_of(error: NotSent) -> str:
    """Slack's own word for what went wrong; empty: it did not answer."""
    return str(error).partition(": ")[2].partition(" ")[0]


def _messages(data: Any) -> list[Any]:
    found = data.get("response_metadata") if isinstance(data, dict) else None
    messages = found.get("messages") if isinstance(found, dict) else None
    return messages[:3] if isinstance(messages, list) else []


def waits(headers: Mapping[str, str]) -> timedelta | None:
    try:
        return timedelta(seconds=float(headers.get("Retry-After", "")))
    except ValueError:
        return None
