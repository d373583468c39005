"""Takes the turns in which a customer links two channels: they ask for a code in one, and type it in the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from msgspec.structs import replace

from bot.flow.book import Book
from bot.flow.words import tokens
from bot.model import ContactId, Declined, Facts, Message, Outcome, Said, Turn, text
from bot.people import code_in
from bot.ports import Powers
from bot.units import Linked

ASKED = "/link"


class Linker(Protocol):
    async def issue(self, contact: ContactId) -> str: ...

    async def redeem(self, code: str, channel: str, external: str) -> Linked: ...


class Linking:
    name = "linking"

    def __init__(self, book: Book, facts_of: Callable[[Turn], Facts], codes: Linker) -> None:
        self._book, self._facts_of, self._codes = book, facts_of, codes

    async def take(self, turn: Turn, powers: Powers, /) -> Outcome | Declined:
        said = [event for event in turn.inputs if isinstance(event.body, Said)]
        if len(said) != 1 or len(turn.inputs) != 1:
            return Declined("it is more than one message")
        language, words = self._book.language(turn.state, self._facts_of(turn)), turn.words
        if code := code_in(words):
            linked = await self._codes.redeem(code, turn.conversation.address.channel, said[0].author.id)
            return self._says(self._text(f"link_{linked}", language))
        if words.strip().casefold() == ASKED or self._asks(words, language):
            code = await self._codes.issue(turn.conversation.contact)
            told = self._text("link_code", language, code=code)  # whoever reads it may have this person's history
            mine = replace(told, only_for=said[0].author.id, otherwise=self._plain("link_private", language))
            return self._says(mine)
        return Declined("nothing is to be linked")

    def _asks(self, words: str, language: str) -> bool:
        phrases = self._book.texts.plain("link_words", language).split("|")
        return len(words) < 100 and tokens(words) in map(tokens, phrases)

    def _text(self, key: str, language: str, **args: str) -> Message:
        return text(self._plain(key, language, **args), language=language)

    def _plain(self, key: str, language: str, **args: str) -> str:
        return self._book.texts.plain(key, language, dict(args))

    def _says(self, message: Message) -> Outcome:
        return Outcome(responder=self.name, messages=(message,))
