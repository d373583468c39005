"""The Web API: which method takes what, who may call it, and what it does to the world.

A refusal carries the code that Slack documents for it. What is not a method, an argument of it or of the right type is
refused, more strictly than Slack does it.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from channels.sandbox.slack.blocks import Refused, check_blocks, check_view
from channels.sandbox.slack.world import Chat, Kind, Pane, Post, Team, Upload, View

if TYPE_CHECKING:
    from channels.sandbox.slack.sandbox import SlackSandbox

LONGEST_TEXT = 40_000
LONGEST_MARKDOWN = 12_000
LONGEST_METADATA = 16_384
STREAM_LIVES = timedelta(minutes=5)
_HISTORY = {"im": "im:history", "mpim": "mpim:history", "channel": "channels:history", "group": "groups:history"}
_KINDS: Mapping[str, Kind] = {"im": "im", "mpim": "mpim", "public_channel": "channel", "private_channel": "group"}
_READ = {"im": "im:read", "mpim": "mpim:read", "channel": "channels:read", "group": "groups:read"}

Arguments = Mapping[str, Any]
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Method:
    does: Callable[[SlackSandbox, Team, Arguments], Answer]
    takes: Mapping[str, type]
    needs: frozenset[str] = frozenset()
    scope: str = ""


def read_arguments(method: Method, given: Mapping[str, Any]) -> dict[str, Any]:
    """By the method's types. Raises `Refused`."""
    faults = [f"[ERROR] unexpected argument: {name}" for name in given if name not in method.takes]
    faults += [f"[ERROR] missing required field: {name}" for name in method.needs if given.get(name) in (None, "")]
    read = {}
    for name, value in given.items():
        if name in method.takes and value is not None:
            try:
                read[name] = _read(value, method.takes[name])
            except (ValueError, TypeError):
                faults.append(f"[ERROR] {name} must be {method.takes[name].__name__} [json-pointer:/{name}]")
    if faults:
        raise Refused("invalid_arguments", faults)
    return read


def _read(value: Any, kind: type) -> Any:
    if isinstance(value, str) and kind in (list, dict):
        value = msgspec.json.decode(value)
    elif isinstance(value, str) and kind is bool:
        value = {"1": True, "true": True, "0": False, "false": False}[value] if value else False
    elif isinstance(value, str) and kind is int:
        value = int(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError
    return value


# Who and where


def _chat(box: SlackSandbox, team: Team, id: str, *, inside: bool = True) -> Chat:
    chat = box.chats.get(id)
    if chat is None and id in box.people and box.people[id].team == team.id:
        chat = box.direct(box.people[id])  # a user's id stands for the direct messages with them
    if chat is None or (team.bot not in chat.members and chat.kind != "channel") or not box.sees(team, chat):
        raise Refused("channel_not_found")
    if inside and team.bot not in chat.members:
        raise Refused("not_in_channel")
    if inside and chat.archived:
        raise Refused("is_archived")
    return chat


def _post(chat: Chat, ts: str, error: str = "message_not_found") -> Post:
    post = chat.posts.get(ts)
    if post is None or post.deleted:
        raise Refused(error)
    return post


def _thread(chat: Chat, given: Arguments) -> str:
    ts = given.get("thread_ts", "")
    if ts and ts not in chat.posts:
        raise Refused("thread_not_found")
    return chat.posts[ts].thread or ts if ts else ""


def _words(given: Arguments, *, needed: bool = True) -> tuple[str, list[dict[str, Any]], bool]:
    """Text, blocks, and whether the text is markdown."""
    markdown = given.get("markdown_text")
    if markdown is not None and (given.get("text") or given.get("blocks")):
        raise Refused("markdown_text_conflict")
    text = str(markdown if markdown is not None else given.get("text", ""))
    blocks = check_blocks(given["blocks"]) if given.get("blocks") else []
    if len(text) > (LONGEST_MARKDOWN if markdown is not None else LONGEST_TEXT):
        raise Refused("msg_too_long")
    if needed and not text.strip() and not blocks:
        raise Refused("no_text")
    return text, blocks, markdown is not None


def _metadata(given: Arguments) -> dict[str, Any] | None:
    metadata = given.get("metadata")
    if metadata is None:
        return None
    if not isinstance(metadata.get("event_type"), str) or not isinstance(metadata.get("event_payload"), dict):
        raise Refused("invalid_metadata_format")
    if len(msgspec.json.encode(metadata)) > LONGEST_METADATA:
        raise Refused("metadata_too_large")
    return dict(metadata)


# chat.*


def post_message(box: SlackSandbox, team: Team, given: Arguments) -> Answer:
    chat = _chat(box, team, given["channel"])
    box.pace(chat)
    text, blocks, markdown = _words(given)
    post = box.add(
        chat,
        by=team.bot,
        text=text,
        blocks=blocks,
        metadata=_metadata(given),
        thread=_thread(chat, given),
        is_bot=True,
        markdown=markdown,
    )
    box.settle_status(chat, post.thread)
    return {"channel": chat.id, "ts": post.ts, "message": box.shown(post)}


def post_ephemeral(box: SlackSandbox, team: Team, given: Arguments) -> Answer:
    chat = _chat(box, team, given["channel"])
    if given["user"] not in chat.members:
        raise Refused("user_not_in_channel")
    text, blocks, markdown = _words(given)
    thread = _thread(chat, given)
    post = box.add(
        chat,
        by=team.bot,
        text=text,
        blocks=blocks,
        thread=thread,
        is_bot=True,
        to=given["user"],
        markdown=markdown,
    )
    return {"message_ts": post.ts}


def update(box: SlackSandbox, team: Team, given: Arguments) -> Answer:
    chat = _chat(box, team, given["channel"])
    post = _post(chat, given["ts"])
    if post.by != team.bot or post.to:
        raise Refused("cant_update_message")
    if _is_streaming(box, post):
        raise Refused("streaming_state_conflict")
    text, blocks, markdown = _words(given)
    post.text, post.blocks, post.markdown = text, blocks, markdown
    if "metadata" in given:
        post.metadata = _metadata(given)
    box.edited(chat, post)
    return {"channel": chat.id, "ts": post.ts, "text": post.text, "message": box.shown(post)}


def delete(box: SlackSandbox, team: Team, given: Arguments) -> Answer:
    chat = _chat(box, team, given["channel"])
    post = _post(chat, given["ts"])
    if post.by != team.bot:
        raise Refused("cant_delete_message")
    box.deleted(chat, post)
    return {"channel": chat.id, "ts": post.ts}


def start_stream(box: SlackSandbox, team: Team, given: Arguments) -> Answer:
    chat = _chat(box, team, given["channel"])
    if chat.kind != "im":
        for name in ("recipient_team_id", "recipient_user_id"):
            if not given.get(name):
                raise Refused(f"missing_{name}")
        if given["recipient_user_id"] not in chat.members:
            raise Refused("user_not_in_channel")
    if chat.kind == "mpim":
        raise Refused("channel_type_not_supported")
    post = box.add(
        chat,
        by=team.bot,
        text=_streamed(given, needed=False),
        thread=_thread(chat, given),
        is_bot=True,
        markdown=True,
        streaming=True,
    )
    box.settle_status(chat, post.thread)
    return {"channel": chat.id, "ts": post.ts}


def append_stream(box: SlackSandbox, team: Team, given: Arguments) -> Answer:
    chat, post = _stream(box, team, given)
    post.text += _streamed(given, needed=True)
    box.journal.touch()
    return {"channel": chat.id, "ts": post.ts}


def stop_stream(box: SlackSandbox, team: Team, given: Arguments) -> Answer:
    chat, post = _stream(box, team, given)
    blocks = check_blocks(given["blocks"]) if given.get("blocks") else []
    metadata = _metadata(given)
    post.text += _streamed(given, needed=False)
    post.blocks, post.metadata, post.streaming_since = blocks, metadata, None
    box.edited(chat, post)
    return {"channel": chat.id, "ts": post.ts, "message": box.shown(post)}


def _stream(box: SlackSandbox, team: Team, given: Arguments) -> tuple[Chat, Post]:
    chat = _chat(box, team, given["channel"])
    post = _post(chat, given["ts"])
    if post.by != team.bot:
        raise Refused("message_not_owned_by_app")
    if not _is_streaming(box, post):
        raise Refused("message_not_in_streaming_state")
    return chat, post


def _is_streaming(box: SlackSandbox, post: Post) -> bool:
    if post.streaming_since is not None and box.clock.now() - post.streaming_since >= STREAM_LIVES:
        post.streaming_since = None
    return post.streaming_since is not None


def _streamed(given: Arguments, *, needed: bool) -> str:
    """The text of `markdown_text`, or of `chunks`: the field differs between releases of the SDK."""
    markdown, chunks = given.get("markdown_text"), given.get("chunks")
    if markdown is not None and chunks:
        raise Refused("markdown_text_conflict")
    texts = [markdown] if markdown is not None else []
    for chunk in chunks or ():
        if not isinstance(chunk, dict) or chunk.get("type") not in ("markdown_text", "task_update", "plan_update"):
            raise Refused("invalid_chunks")
        if chunk["type"] == "markdown_text":
            if not isinstance(chunk.get("text"), str) or set(chunk) != {"type", "text"}:
                raise Refused("invalid_chunks")
            texts.append(chunk["text"])
    text = "".join(texts)
    if len(text) > LONGEST_MARKDOWN:
        raise Refused("msg_too_long")
    if needed and not text and not chunks:
        raise Refused("no_text")
    return text


def permalink(box: SlackSandbox, team: Team, given: Arguments) -> Answer:
    chat = _chat(box, team, given["channel"], inside=False)
    post = _post(chat, given["message_ts"])
    return {"channel": chat.id, "permalink": f"{box.address}/archives/{chat.id}/p{post.ts.replace('.', '')}"}


def schedule(box: SlackSandbox, team: Team, given: Arguments) -> Answer:
    chat = _chat(box, team, given["channel"])
    left = given["post_at"] - box.clock.now().timestamp()
    if left <= 0:
        raise Refused("time_in_past")
    if left > 120 * 24 * 3600:
        raise Refused("time_too_far")
    text, blocks, markdown = _words(given)
    id = box.later(left, chat, lambda: box.add(chat, by=team.bot, text=text, blocks=blocks, is_bot=True,
                                               thread=_thread(chat, given), markdown=markdown))  # fmt: skip
    return {"channel": chat.id, "scheduled_message_id": id, "post_at": given["post_at"]}


def unschedule(box: SlackSandbox, team: Team, given: Arguments) -> Answer:
    if not box.not_later(given["scheduled_message_id"]):
        raise Refused("invalid_scheduled_message_id")
    return {}


def unfurl(box: SlackSandbox, team: Team, given: Arguments) -> Answer:
    chat = _chat(box, team, given["channel"])
    post = _post(chat, given["ts"], "cannot_find_message")
    unfurls = given.get("unfurls")
    if not unfurls:
        raise Refused("missing_unfurls")
    for address, shown in unfurls.items():
        if f"<{address}" not in post.text or not isinstance(shown, dict):
            raise Refused("cannot_unfurl_url")
        post.unfurled[address] = check_blocks(shown.get("blocks") or [])
    box.journal.touch()
    return {}


# conversations.*, users.*, reactions.*


def history(box: SlackSandbox, team: Team, given: Arguments) -> Answer:
    chat = _chat(box, team, given["channel"], inside=False)
    if team.bot not in chat.members:
        raise Refused("not_in_channel")
    box.needs(team, _HISTORY[chat.kind])
    box.slow_history()
    posts = [post for post in reversed(chat.at_top()) if not post.to]
    return _page(box, posts, given, chat)


def replies(box: SlackSandbox, team: Team, given: Arguments) -> Answer:
    chat = _chat(box, team, given["channel"], inside=False)
    if team.bot not in chat.members:
        raise Refused("not_in_channel")
    box.needs(team, _HISTORY[chat.kind])
    box.slow_history()
    if given["ts"] not in chat.posts:
        raise Refused("thread_not_found")
    posts = [post for post in chat.in_thread(chat.posts[given["ts"]].thread or given["ts"]) if not post.to]
    return _page(box, posts, given, chat)


def _page(box: SlackSandbox, posts: list[Post], given: Arguments, chat: Chat) -> Answer:
    oldest, latest = float(given.get("oldest") or 0), float(given.get("latest") or "inf")
    inclusive = bool(given.get("inclusive"))

    def within(post: Post) -> bool:
        ts = float(post.ts)
        return oldest < ts < latest or (inclusive and ts in (oldest, latest))

    found = [post for post in posts if not post.deleted and within(post)]
    start = int(given.get("cursor") or 0)
    limit = min(max(given.get("limit") or 100, 1), box.most_history or 1_000)
    page = found[start : start + limit]
    more = start + limit < len(found)
    return {
        "messages": [box.shown(post, metadata=bool(given.get("include_all_metadata")), chat=chat) for post in page],
        "has_more": more,
        "response_metadata": {"next_cursor": str(start + limit) if more else ""},
    }


def info(box: SlackSandbox, team: Team, given: Arguments) -> Answer:
    chat = _chat(box, team, given["channel"], inside=False)
    box.needs(team, _READ[chat.kind])
    return {"channel": box.about(chat)}


def conversations(box: SlackSandbox, team: Team, given: Arguments) -> Answer:
    """Those in which the app is a member."""
    kinds = [kind.strip() for kind in given.get("types", "public_channel").split(",")]
    for kind in kinds:
        if kind not in _KINDS:
            raise Refused("invalid_types")
        box.needs(team, _READ[_KINDS[kind]])
    wanted = {_KINDS[kind] for kind in kinds}
    found = [
        box.about(chat)
        for chat in box.chats.values()
        if team.bot in chat.members and chat.kind in wanted and not (chat.archived and given.get("exclude_archived"))
    ]
    start, limit = int(given.get("cursor") or 0), given.get("limit") or 100
    following = str(start + limit) if start + limit < len(found) else ""
    return {"channels": found[start : start + limit], "response_metadata": {"next_cursor": following}}


def open_(box: SlackSandbox, team: Team, given: Arguments) -> Answer:
    person = box.people.get(str(given.get("users", "")))
    if person is None or person.team != team.id:
        raise Refused("user_not_found")
    return {"channel": {"id": box.direct(person).id}}


def members(box: SlackSandbox, team: Team, given: Arguments) -> Answer:
    chat = _chat(box, team, given["channel"], inside=False)
    return {"members": sorted(chat.members), "response_metadata": {"next_cursor": ""}}


def join(box: SlackSandbox, team: Team, given: Arguments) -> Answer:
    chat = _chat(box, team, given["channel"], inside=False)
    if chat.kind != "channel":
        raise Refused("method_not_supported_for_channel_type")
    chat.members.add(team.bot)
    return {"channel": box.about(chat)}


def user_info(box: SlackSandbox, team: Team, given: Arguments) -> Answer:
    person = box.people.get(given["user"])
    if person is None:
        raise Refused("user_not_found")
    profile: dict[str, Any] = {"real_name": person.name, "display_name": person.name}
    if "users:read.email" in team.scopes and not person.is_bot:
        profile["email"] = person.email
    user: dict[str, Any] = {
        "id": person.id,
        "team_id": person.team,
        "name": person.name.lower(),
        "real_name": person.name,
        "tz": person.tz,
        "is_bot": person.is_bot,
        "profile": profile,
    }
    if given.get("include_locale"):
        user["locale"] = person.locale
    return {"user": user}


def react(box: SlackSandbox, team: Team, given: Arguments) -> Answer:
    chat = _chat(box, team, given["channel"])
    post = _post(chat, given["timestamp"])
    if not str(given["name"]).replace("_", "").replace("-", "").replace("+", "").replace(":", "").isalnum():
        raise Refused("invalid_name")
    if team.bot in post.reactions.get(given["name"], ()):
        raise Refused("already_reacted")
    post.reactions.setdefault(given["name"], []).append(team.bot)
    box.journal.touch()
    return {}


def unreact(box: SlackSandbox, team: Team, given: Arguments) -> Answer:
    chat = _chat(box, team, given["channel"])
    post = _post(chat, given["timestamp"])
    if team.bot not in post.reactions.get(given["name"], ()):
        raise Refused("no_reaction")
    post.reactions[given["name"]].remove(team.bot)
    box.journal.touch()
    return {}


# views.*


def open_view(box: SlackSandbox, team: Team, given: Arguments) -> Answer:
    trigger = box.spend_trigger(team, given["trigger_id"])
    view = check_view(given["view"])
    if view["type"] != "modal":
        raise Refused("invalid_arguments", ["[ERROR] only a modal can be opened"])
    return {"view": box.view_shown(box.show_view(team, trigger.user, view))}


def push_view(box: SlackSandbox, team: Team, given: Arguments) -> Answer:
    trigger = box.spend_trigger(team, given["trigger_id"])
    view = check_view(given["view"])
    stack = box.modals.get(trigger.user, [])
    if len(stack) >= 3:
        raise Refused("push_limit_reached")
    return {"view": box.view_shown(box.show_view(team, trigger.user, view, on=stack))}


def update_view(box: SlackSandbox, team: Team, given: Arguments) -> Answer:
    view = check_view(given["view"])
    for stack in box.modals.values():
        for shown in stack:
            known_as = given.get("external_id")
            if shown.id == given.get("view_id") or (known_as and shown.view.get("external_id") == known_as):
                if given.get("hash") and given["hash"] != shown.hash:
                    raise Refused("hash_conflict")
                shown.view, shown.hash, shown.errors = view, box.new_id("h"), {}
                box.journal.touch()
                return {"view": box.view_shown(shown)}
    raise Refused("not_found")


def publish_view(box: SlackSandbox, team: Team, given: Arguments) -> Answer:
    view = check_view(given["view"])
    if view["type"] != "home":
        raise Refused("invalid_arguments", ["[ERROR] only a home tab can be published"])
    if given["user_id"] not in box.people:
        raise Refused("user_not_found")
    id = box.new_id("V")
    home = box.homes[given["user_id"]] = View(id, team.id, given["user_id"], view, box.new_id("h"), id)
    box.journal.touch()
    return {"view": box.view_shown(home)}


# files.*


def upload_url(box: SlackSandbox, team: Team, given: Arguments) -> Answer:
    if given["length"] <= 0:
        raise Refused("invalid_arguments", ["[ERROR] length must be greater than 0"])
    kind = mimetypes.guess_type(given["filename"])[0] or ""
    upload = Upload(
        box.new_id("F"), given["filename"], kind, b"", team.bot, team.id, given["length"], alt=given.get("alt_txt", "")
    )
    box.files[upload.id] = upload
    return {"upload_url": f"{box.address}/upload/v1/{upload.id}", "file_id": upload.id}


def complete_upload(box: SlackSandbox, team: Team, given: Arguments) -> Answer:
    uploads = []
    for one in given["files"]:
        upload = box.files.get(one.get("id", "")) if isinstance(one, dict) else None
        if upload is None or upload.team != team.id or upload.done:
            raise Refused("file_not_found")
        if len(upload.data) != upload.expected:
            raise Refused("file_update_failed", ["[ERROR] the bytes that came are not as many as were announced"])
        uploads.append((upload, one.get("title", "")))
    blocks = [] if given.get("initial_comment") else _beside_files(given.get("blocks") or [])
    targets = [given["channel_id"]] if given.get("channel_id") else str(given.get("channels", "")).split(",")
    chats = [_chat(box, team, target) for target in targets if target]
    for upload, title in uploads:
        upload.title, upload.done = title or upload.name, True
    for chat in chats:
        post = box.add(
            chat,
            by=team.bot,
            text=given.get("initial_comment", ""),
            blocks=blocks,
            thread=_thread(chat, given),
            is_bot=True,
            files=[upload for upload, _ in uploads],
        )
        box.settle_status(chat, post.thread)
    return {"files": [{"id": upload.id, "title": upload.title} for upload, _ in uploads]}


def _beside_files(blocks: list[Any]) -> list[dict[str, Any]]:
    """What Slack takes beside files: rich text and sections."""
    checked = check_blocks(blocks)
    if any(block["type"] not in ("rich_text", "section") for block in checked):
        raise Refused("internal_error")
    return checked


def file_info(box: SlackSandbox, team: Team, given: Arguments) -> Answer:
    upload = box.files.get(given["file"])
    if upload is None or not upload.done:
        raise Refused("file_not_found")
    return {"file": box.file_shown(upload, chats=True)}


# assistant.threads.*


def _pane(box: SlackSandbox, team: Team, given: Arguments) -> Pane:
    chat = _chat(box, team, given["channel_id"])
    ts = given.get("thread_ts", "")
    if ts not in chat.posts:
        raise Refused("invalid_thread_ts")
    return chat.panes.setdefault(chat.posts[ts].thread or ts, Pane())


def set_status(box: SlackSandbox, team: Team, given: Arguments) -> Answer:
    _pane(box, team, given).status = given["status"]
    box.journal.touch()
    return {}


def set_title(box: SlackSandbox, team: Team, given: Arguments) -> Answer:
    pane = _pane(box, team, given)
    if not pane.is_assistant:
        raise Refused("channel_not_found")
    pane.title = given["title"]
    box.journal.touch()
    return {}


def set_prompts(box: SlackSandbox, team: Team, given: Arguments) -> Answer:
    pane, prompts = _pane(box, team, given), given["prompts"]
    if not pane.is_assistant:
        raise Refused("channel_not_found")
    if not 1 <= len(prompts) <= 4 or not all(
        isinstance(one, dict) and one.get("title") and one.get("message") and set(one) == {"title", "message"}
        for one in prompts
    ):
        raise Refused("invalid_arguments", ["[ERROR] prompts must be 1 to 4 objects with title and message"])
    pane.prompts = prompts
    box.journal.touch()
    return {}


# Of the app itself


def auth_test(box: SlackSandbox, team: Team, given: Arguments) -> Answer:
    return {
        "url": f"https://{team.name.lower().replace(' ', '-')}.slack.com/",
        "team": team.name,
        "user": box.people[team.bot].name.lower(),
        "team_id": team.id,
        "user_id": team.bot,
        "bot_id": team.bot_id,
        "is_enterprise_install": False,
    }


def revoke(box: SlackSandbox, team: Team, given: Arguments) -> Answer:
    box.uninstall(team)
    return {"revoked": True}


def team_info(box: SlackSandbox, team: Team, given: Arguments) -> Answer:
    """Another one where a channel is shared with it."""
    wanted = box.teams.get(given.get("team") or team.id)
    shares = wanted is not None and any(
        team.bot in chat.members and any(box.people[id].team == wanted.id for id in chat.members)
        for chat in box.chats.values()
    )
    if wanted is None or not (wanted is team or shares):
        raise Refused("team_not_found")
    return {"team": {"id": wanted.id, "name": wanted.name, "domain": wanted.name.lower().replace(" ", "-")}}


def bot_info(box: SlackSandbox, team: Team, given: Arguments) -> Answer:
    return {"bot": {"id": team.bot_id, "app_id": box.app_id, "user_id": team.bot, "name": box.people[team.bot].name}}


def _method(
    does: Callable[[SlackSandbox, Team, Arguments], Answer], scope: str, needs: str = "", **takes: type
) -> Method:
    return Method(does, takes, frozenset(needs.split()), scope)


_SAID: dict[str, Any] = {
    "text": str,
    "blocks": list,
    "markdown_text": str,
    "link_names": bool,
    "parse": str,
    "as_user": bool,
    "username": str,
    "icon_url": str,
    "icon_emoji": str,
}
_STREAM: dict[str, Any] = {"channel": str, "markdown_text": str, "chunks": list}
_PAGED: dict[str, Any] = {
    "channel": str,
    "cursor": str,
    "inclusive": bool,
    "include_all_metadata": bool,
    "latest": str,
    "limit": int,
    "oldest": str,
}
METHODS: Mapping[str, Method] = {
    "auth.test": _method(auth_test, ""),
    "auth.revoke": _method(revoke, "", test=bool),
    "team.info": _method(team_info, "team:read", team=str),
    "bots.info": _method(bot_info, "users:read", bot=str, team_id=str),
    "chat.postMessage": _method(
        post_message,
        "chat:write",
        "channel",
        channel=str,
        thread_ts=str,
        metadata=dict,
        reply_broadcast=bool,
        unfurl_links=bool,
        unfurl_media=bool,
        mrkdwn=bool,
        **_SAID,
    ),
    "chat.postEphemeral": _method(
        post_ephemeral, "chat:write", "channel user", channel=str, user=str, thread_ts=str, **_SAID
    ),
    "chat.update": _method(
        update, "chat:write", "channel ts", channel=str, ts=str, metadata=dict, reply_broadcast=bool, **_SAID
    ),
    "chat.delete": _method(delete, "chat:write", "channel ts", channel=str, ts=str, as_user=bool),
    "chat.startStream": _method(
        start_stream,
        "chat:write",
        "channel thread_ts",
        thread_ts=str,
        recipient_team_id=str,
        recipient_user_id=str,
        task_display_mode=str,
        username=str,
        icon_url=str,
        icon_emoji=str,
        **_STREAM,
    ),
    "chat.appendStream": _method(append_stream, "chat:write", "channel ts", ts=str, **_STREAM),
    "chat.stopStream": _method(
        stop_stream, "chat:write", "channel ts", ts=str, blocks=list, metadata=dict, session_status=str, **_STREAM
    ),
    "chat.getPermalink": _method(permalink, "", "channel message_ts", channel=str, message_ts=str),
    "chat.scheduleMessage": _method(
        schedule,
        "chat:write",
        "channel post_at",
        channel=str,
        post_at=int,
        thread_ts=str,
        metadata=dict,
        reply_broadcast=bool,
        unfurl_links=bool,
        unfurl_media=bool,
        **_SAID,
    ),
    "chat.deleteScheduledMessage": _method(
        unschedule, "chat:write", "channel scheduled_message_id", channel=str, scheduled_message_id=str, as_user=bool
    ),
    "chat.unfurl": _method(unfurl, "links:write", "channel ts", channel=str, ts=str, unfurls=dict),
    "conversations.history": _method(history, "", "channel", **_PAGED),
    "conversations.replies": _method(replies, "", "channel ts", ts=str, **_PAGED),
    "conversations.info": _method(info, "", "channel", channel=str, include_locale=bool, include_num_members=bool),
    "conversations.open": _method(
        open_, "im:write", "users", users=str, channel=str, return_im=bool, prevent_creation=bool
    ),
    "conversations.members": _method(members, "", "channel", channel=str, cursor=str, limit=int),
    "conversations.join": _method(join, "channels:join", "channel", channel=str),
    "users.conversations": _method(
        conversations, "", types=str, cursor=str, limit=int, exclude_archived=bool, user=str
    ),
    "users.info": _method(user_info, "users:read", "user", user=str, include_locale=bool),
    "reactions.add": _method(react, "reactions:write", "channel name timestamp", channel=str, name=str, timestamp=str),
    "reactions.remove": _method(
        unreact, "reactions:write", "channel name timestamp", channel=str, name=str, timestamp=str
    ),
    "views.open": _method(open_view, "", "trigger_id view", trigger_id=str, interactivity_pointer=str, view=dict),
    "views.push": _method(push_view, "", "trigger_id view", trigger_id=str, interactivity_pointer=str, view=dict),
    "views.update": _method(update_view, "", "view", view=dict, view_id=str, external_id=str, hash=str),
    "views.publish": _method(publish_view, "", "user_id view", user_id=str, view=dict, hash=str),
    "files.getUploadURLExternal": _method(
        upload_url, "files:write", "filename length", filename=str, length=int, alt_txt=str, snippet_type=str
    ),
    "files.completeUploadExternal": _method(
        complete_upload,
        "files:write",
        "files",
        files=list,
        channel_id=str,
        channels=str,
        initial_comment=str,
        blocks=list,
        thread_ts=str,
    ),
    "files.info": _method(file_info, "files:read", "file", file=str, cursor=str, limit=int),
    "assistant.threads.setStatus": _method(
        set_status,
        "assistant:write",
        "channel_id thread_ts",
        channel_id=str,
        thread_ts=str,
        status=str,
        loading_messages=list,
        icon_emoji=str,
        icon_url=str,
        username=str,
    ),
    "assistant.threads.setTitle": _method(
        set_title, "assistant:write", "channel_id thread_ts title", channel_id=str, thread_ts=str, title=str
    ),
    "assistant.threads.setSuggestedPrompts": _method(
        set_prompts, "assistant:write", "channel_id prompts", channel_id=str, thread_ts=str, title=str, prompts=list
    ),
}
