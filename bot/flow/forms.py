"""Forms that were filled in, and what a press means at once: known from the state alone, without a turn. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bot.commands import LANGUAGE, check
from bot.flow.book import Book
from bot.flow.say import GREETING
from bot.model import Facts, Form, Incoming, Json, Offer, Pressed, Set, State, Submitted
from bot.ports import FormErrors, ShowForm, Toast

Now = Toast | ShowForm | FormErrors


def now(book: Book, state: State, facts: Facts, epoch: int, body: Incoming, *, modal: bool) -> Now | None:
    """What the platform may be told inside its acknowledgement. `modal`: it can open a form at once."""
    match body:
        case Pressed(token=token):
            offer = offer_of(state, token, epoch)
            if offer is None:
                return None if token.startswith(GREETING) else Toast(_line(book, state, "void"))
            return ShowForm(offer.form) if offer.form and modal else None
        case Submitted(token=token, values=values):
            form = form_of(state, token, epoch)
            if form is None:
                return Toast(_line(book, state, "void"))
            errors = wrong(book, state, facts, form, values)
            return FormErrors(errors) if errors else None
        case _:
            return None


def offer_of(state: State, token: str, epoch: int) -> Offer | None:
    return next((offer for offer in state.offers if offer.token == token and offer.epoch >= epoch), None)


def form_of(state: State, token: str, epoch: int) -> Form | None:
    """The form that comes back under this token, while it is open."""
    offer = offer_of(state, token, epoch)
    return offer.form if offer else None


def filled(form: Form, values: Mapping[str, Json]) -> tuple[Set, ...]:
    """What was written into its fields, and what may be and was left out; what it does not ask for is no part of it."""
    given = ((field, values.get(field.name)) for field in form.fields)
    written = ((field, value.strip() if isinstance(value, str) else value) for field, value in given)
    return tuple(
        Set(field.name, None if value == "" else value)
        for field, value in written
        if value not in (None, "") or not field.required
    )


def wrong(book: Book, state: State, facts: Facts, form: Form, values: Mapping[str, Json]) -> dict[str, str]:
    """By name of the field, in the conversation's language."""
    given = {command.slot: command for command in filled(form, values)}
    return dict(_wrong(book, state, facts, form, given))


def _wrong(book: Book, state: State, facts: Facts, form: Form, given: Mapping[str, Set]) -> Iterator[tuple[str, str]]:
    for field in form.fields:
        command = given.get(field.name)
        if command is None:
            if field.required:
                yield field.name, _line(book, state, "required")
        elif isinstance(check(command, "answer", book, state, facts), str):
            home = book.home(state, field.name)
            told = home[1].type.error if home and field.name != LANGUAGE else ""
            yield field.name, _line(book, state, told if told in book.texts else "not_understood")


def _line(book: Book, state: State, key: str) -> str:
    return book.texts.plain(key, state.language or book.assistant.language)
