"""What Discord wants inside three seconds of a press, a command or a form. Pure: what T0 said in, the callback out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.model import Field, Form, Json
from bot.ports import Accepted, FormErrors, ShowForm, Toast
from channels.discord import wire
from channels.discord.checked import COMPONENTS_V2
from channels.discord.components import FIELDS, button, modal, row, used
from channels.discord.markdown import escaped
from channels.discord.parse import AGAIN, AUTOCOMPLETE, COMMAND, COMPONENT, MODAL, command_at
from channels.discord.render import EPHEMERAL
from channels.discord.settings import CommandChoice, CommandOption, SlashCommand

Callback = dict[str, Any]

LATER: Callback = {"type": 6}
"""Taken in; nothing to be shown for it."""
THINKING: Callback = {"type": 5}

_TRY_AGAIN = {
    "en": "That did not get through. Please try again.",
    "fr": "Cela n’est pas passé. Merci de réessayer.",
    "es": "No ha llegado. Inténtalo de nuevo, por favor.",
    "de": "Das ist nicht angekommen. Bitte noch einmal versuchen.",
    "pt": "Não chegou. Tente novamente, por favor.",
    "ar": "لم يصل ذلك. حاول مرة أخرى من فضلك.",
}
_GO_ON = {
    "en": ("There is more to fill in.", "Continue"),
    "fr": ("Il reste des champs à remplir.", "Continuer"),
    "es": ("Quedan campos por rellenar.", "Continuar"),
    "de": ("Es fehlt noch etwas.", "Weiter"),
    "pt": ("Ainda há campos por preencher.", "Continuar"),
    "ar": ("بقيت حقول للتعبئة.", "متابعة"),
}
_YES_NO = {
    "en": ("Yes", "No"),
    "fr": ("Oui", "Non"),
    "es": ("Sí", "No"),
    "de": ("Ja", "Nein"),
    "pt": ("Sim", "Não"),
    "ar": ("نعم", "لا"),
}


@dataclass(slots=True)
class Filling:
    """A form that somebody has open: Discord's window holds five fields, so longer ones take several."""

    form: Form
    values: dict[str, Json] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)

    @property
    def missing(self) -> Sequence[Field]:
        """Fields that were not shown yet, or are wrong."""
        return [each for each in self.form.fields if each.name not in self.values or each.name in self.wrong]

    def window(self, locale: str) -> Callback:
        fields = (list(self.missing) or list(self.form.fields))[:FIELDS]
        return {"type": 9, "data": modal(self.form, fields, self.values, self.wrong, _in(_YES_NO, locale))}

    def fill(self, values: Mapping[str, Json]) -> None:
        self.values |= values
        self.wrong = {name: why for name, why in self.wrong.items() if name not in values}


def callback(event: wire.InteractionEvent, accepted: Accepted, filling: Filling | None = None) -> Callback:
    """The first answer, which is given once. `filling`: of the form that is to be shown or was wrong."""
    match accepted.now:
        case Toast(text):
            return toast(text)
        case ShowForm() if filling is not None and event.type != MODAL:
            return filling.window(event.locale)
        case FormErrors(errors):
            return asking_again(event, errors, filling)
        case _:
            return plainly(event, fresh=accepted.fresh)


def plainly(event: wire.InteractionEvent, *, fresh: bool) -> Callback:
    """It is taken in."""
    if event.type == COMPONENT and fresh and event.message and event.message.components:
        chosen = [str(one) for one in event.data.get("values") or [event.data.get("custom_id")]]
        flags = {"flags": COMPONENTS_V2} if event.message.flags & COMPONENTS_V2 else {}
        try:
            return {"type": 7, "data": {"components": used(event.message.components, chosen)} | flags}
        except (TypeError, AttributeError, LookupError):  # components of another shape stay as they are
            return LATER
    if event.type == COMPONENT or (event.type == MODAL and event.message):
        return LATER
    return THINKING


def late(event: wire.InteractionEvent) -> Callback:
    """T0 takes longer than there is time."""
    return LATER if event.type == COMPONENT or event.message else THINKING


def toast(text: str) -> Callback:
    return {"type": 4, "data": ephemeral(text)}


def ephemeral(text: str) -> dict[str, Any]:
    return {"content": escaped(text)[:2000] or "…", "flags": EPHEMERAL, "allowed_mentions": {"parse": []}}


def failed(event: wire.InteractionEvent) -> Callback:
    return toast(_in(_TRY_AGAIN, event.locale))


def asking_again(event: wire.InteractionEvent, errors: Mapping[str, str], filling: Filling | None) -> Callback:
    """A window cannot follow a window: what is wrong, and a button that opens it once more."""
    labels = {each.name: each.label for each in filling.form.fields} if filling else {}
    told = "\n".join(f"{labels.get(name, name)}: {why}" for name, why in errors.items())
    return _again(event, told)


def more(event: wire.InteractionEvent) -> Callback:
    return _again(event, _in(_GO_ON, event.locale)[0])


def _again(event: wire.InteractionEvent, told: str) -> Callback:
    token = str(event.data["custom_id"]).removeprefix(AGAIN)
    data = ephemeral(told) | {"components": [row([button(_in(_GO_ON, event.locale)[1], AGAIN + token, "primary")])]}
    return {"type": 4, "data": data}


def choices(event: wire.InteractionEvent, commands: Mapping[str, SlashCommand]) -> Callback:
    """What fits to what was typed so far; nothing where that cannot be read."""
    try:
        found = _choices(event, commands)
    except (LookupError, TypeError, AttributeError):
        found = []
    return {"type": 8, "data": {"choices": [{"name": one.name, "value": one.value} for one in found[:25]]}}


def _choices(event: wire.InteractionEvent, commands: Mapping[str, SlashCommand]) -> list[CommandChoice]:
    path, options = [str(event.data.get("name"))], event.data.get("options") or []
    while options and options[0].get("type") in (1, 2):
        path.append(str(options[0]["name"]))
        options = options[0].get("options") or []
    command, typed = command_at(path, commands), next((one for one in options if one.get("focused")), None)
    option = _option(command, str(typed["name"])) if command and typed else None
    said = str(typed["value"]).casefold() if typed else ""
    return [one for one in option.choices if said in one.name.casefold()] if option else []


def _option(command: SlashCommand, name: str) -> CommandOption | None:
    return next((one for one in command.options if one.name == name), None)


def _in(texts: Mapping[str, Any], locale: str) -> Any:
    return texts.get(locale.partition("-")[0], texts["en"])


def waits(event: wire.InteractionEvent, answer: Callback) -> bool:
    """Whether the person is shown that we are thinking, until something takes that place."""
    return answer["type"] == THINKING["type"] and event.type in (COMMAND, MODAL)


def is_answered_at_once(event: wire.InteractionEvent) -> bool:
    """Nothing was said or chosen with it."""
    return event.type == AUTOCOMPLETE
