"""Whom and what an act names. Raises `BadAct`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from channels.sandbox.server import BadAct
from channels.sandbox.slack.world import Chat, Person, Post, Team

if TYPE_CHECKING:
    from channels.sandbox.slack.sandbox import SlackSandbox


class Where:
    def __init__(self, box: SlackSandbox) -> None:
        self._box = box

    def chat(self, body: Mapping[str, Any]) -> tuple[Chat, str]:
        chat, thread = self._box.chat_of(str(body["chat"]))
        thread = str(body.get("thread") or thread)
        if thread and thread not in chat.posts:
            raise BadAct(f"there is no message {thread!r} to answer")
        return chat, chat.posts[thread].thread or thread if thread else ""

    def person(self, body: Mapping[str, Any], chat: Chat) -> Person:
        people = [self._box.people[id] for id in sorted(chat.members)]
        people = [person for person in people if not person.is_bot]
        by = body.get("by")
        for person in people:
            if by in (None, person.id, person.name):
                return person
        raise BadAct(f"{by or 'nobody'} is not in this chat; there are {', '.join(one.name for one in people)}")

    def message(self, body: Mapping[str, Any]) -> tuple[Chat, Post]:
        chat, _ = self.chat(body)
        post = chat.posts.get(str(body["message"]))
        if post is None or post.deleted:
            raise BadAct(f"there is no message {body['message']!r} in it")
        return chat, post

    def theirs(self, body: Mapping[str, Any]) -> tuple[Chat, Post]:
        chat, post = self.message(body)
        if post.is_bot:
            raise BadAct("that is the app's message")
        return chat, post

    def team(self, name: Any) -> Team:
        for team in self._box.teams.values():
            if name in (None, team.id, team.name):
                return team
        raise BadAct(f"there is no workspace {name!r}; there are {', '.join(t.name for t in self._box.teams.values())}")
