"""What the bot says: markdown with `{{ values }}`, compiled once when the flow is read, spans when it is said.

A value is put in after the markup was read, so nothing in it can become markup, a link or a template. Most texts are
spans with gaps by the time they are said; only those with `{% if %}` or `{% for %}` run through Jinja, in its immutable
sandbox, with the syntax they may use listed below.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from bot import markup
from bot.flow.conditions import Expression, Look, hint
from bot.flow.locales import locale_of
from bot.flow.ways import always_fits, chosen
from bot.model import Message, Span, Text

if TYPE_CHECKING:
    from jinja2 import Environment, Template, nodes

LONGEST_SOURCE = 4_000
LONGEST = 8_000
"""Characters of one text as it is said."""

Args = Mapping[str, object]

_GAP, _END = "\ue000", "\ue001"  # private use: around the number of a value while markup is read


class BadText(ValueError):
    """The source cannot be used; says why in words for the author of the flow."""


class Unsayable(Exception):
    """The values at hand do not fit the text."""


class Chosen(str):
    """A value of a choice: compares as the value, shows as its label."""

    __slots__ = ("label",)
    label: str

    def __new__(cls, value: str, label: str) -> Chosen:
        chosen = super().__new__(cls, value)
        chosen.label = label
        return chosen


class _Verbatim(str):
    """Already fit to stand in the markdown source."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Words:
    """One text in one language."""

    source: str
    language: str
    reads: tuple[str, ...]
    fill: Callable[[Args], tuple[Span, ...]]
    label: str | None = None
    """Without markup, where it is always the same."""
    ways: tuple[OneWay, ...] = ()
    """Where there are several, with itself among them; it is the first that always fits."""

    def way(self, look: Look, seed: str) -> Words:
        return chosen(self.ways, look, seed).words if self.ways else self

    def spans(self, args: Args) -> tuple[Span, ...]:
        """Raises `Unsayable`."""
        return self.fill(args)

    def plain(self, args: Args) -> str:
        return markup.plain(self.fill(args)) if self.label is None else self.label


@dataclass(frozen=True, slots=True, kw_only=True)
class OneWay:
    words: Words
    channel: str = ""
    condition: Expression | None = None
    weight: int = 1


def several(found: Sequence[OneWay]) -> Words:
    """Of which at least one always fits."""
    usual = next(way.words for way in found if always_fits(way))
    reads = {name for way in found for name in (*way.words.reads, *(way.condition.reads if way.condition else ()))}
    return replace(usual, reads=tuple(sorted(reads)), ways=tuple(found))


@dataclass(frozen=True, slots=True)
class Wording:
    """One text in every language it is written in."""

    key: str
    """Where it stands: `@key`, or empty for a text inside a flow."""
    by_language: Mapping[str, Words]
    default: str

    @property
    def reads(self) -> frozenset[str]:
        return frozenset(name for words in self.by_language.values() for name in words.reads)

    def words(self, language: str) -> Words:
        if found := self.by_language.get(language):
            return found
        for candidate in chain(language, self.default):
            if found := self.by_language.get(candidate):
                return found
        return next(iter(self.by_language.values()))

    def spans(self, language: str, args: Args) -> tuple[Span, ...]:
        """Raises `Unsayable`."""
        return self.words(language).spans(args)

    def plain(self, language: str, args: Args) -> str:
        """Raises `Unsayable`."""
        return self.words(language).plain(args)


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of a project by key, over those that come with the program."""

    by_key: Mapping[str, Wording]
    default: str

    def __contains__(self, key: str) -> bool:
        return key in self.by_key

    def wording(self, key: str) -> Wording:
        return self.by_key[key]

    def say(self, key: str, language: str, args: Args | None = None) -> Message:
        """Raises `Unsayable` when a value the text needs is missing, KeyError for an unknown key."""
        return Message((Text(self.by_key[key].spans(language, args or {})),), language=language)

    def plain(self, key: str, language: str, args: Args | None = None) -> str:
        """Without markup: for labels and notices."""
        return self.by_key[key].plain(language, args or {})


def chain(language: str, default: str) -> tuple[str, ...]:
    """Where a text is looked for: `fr-CA`, `fr`, the project's own language, English."""
    return _chain(language, default)


@lru_cache(maxsize=1_000)  # customers bring the languages
def _chain(language: str, default: str) -> tuple[str, ...]:
    tags = [language.replace("_", "-")] if len(language) < 40 else []
    while tags and "-" in tags[-1]:
        tags.append(tags[-1].rpartition("-")[0])
    return tuple(dict.fromkeys((*filter(None, tags), default, "en")))


# Compiling


def compile_text(source: str, language: str) -> Words:
    """Raises `BadText`."""
    if len(source) > LONGEST_SOURCE:
        raise BadText(f"a text has at most {LONGEST_SOURCE} characters, this one has {len(source)}")
    source = source.translate({ord(_GAP): None, ord(_END): None}).strip()
    if not any(mark in source for mark in ("{{", "{%", "{#")):
        spans = markup.parse(source)
        return Words(source, language, (), lambda args: spans, markup.plain(spans))
    if (names := _only_names(source)) and (fill := _filler_of_gaps(names, language)):
        reads = {piece.reads for piece in names if isinstance(piece, _Named)}
        return Words(source, language, tuple(sorted(reads)), fill)
    from jinja2 import TemplateSyntaxError, meta

    try:
        tree = _environment(language).parse(source)
    except TemplateSyntaxError as error:
        raise BadText(f"line {error.lineno} of the text cannot be read: {error.message}") from error
    except RecursionError as error:
        raise BadText("the text is nested too deep") from error
    _refuse_costly(tree, loops=0, depth=0)
    reads_of_it = tuple(sorted(meta.find_undeclared_variables(tree)))
    pieces = _pieces_of(tree, language)
    fill = (_filler_of_gaps(pieces, language) if pieces else None) or _filler_of_template(tree, language)
    return Words(source, language, reads_of_it, fill)


_ALLOWED = {
    *("Template", "Output", "TemplateData", "Name", "Getattr", "Getitem", "Const", "Filter", "Keyword", "Test"),
    *("If", "CondExpr", "For", "Compare", "Operand", "And", "Or", "Not", "Concat", "Add", "Sub", "Neg"),
}


def _refuse_costly(node: nodes.Node, loops: int, depth: int) -> None:
    kind = type(node).__name__
    if kind not in _ALLOWED:
        raise BadText(f"texts may not use {kind.lower()}: only values, filters, if and one level of for")
    if depth > 40:
        raise BadText("the text is nested too deep")
    if kind == "For":
        if loops:
            raise BadText("a 'for' may not stand inside another")
        loops += 1
    if kind == "Filter":
        name = str(getattr(node, "name", ""))
        if name not in _FILTERS:
            raise BadText(f"there is no filter {name!r}{hint(name, _FILTERS)}")
    if kind == "Test" and getattr(node, "name", "") not in ("defined", "none"):
        raise BadText("the only tests are 'defined' and 'none'")
    if kind == "Getitem" and type(getattr(node, "arg", None)).__name__ not in ("Const", "Neg"):
        raise BadText("brackets may hold a fixed key or number only")
    if str(getattr(node, "attr", "")).startswith("_") or str(getattr(node, "name", "")).startswith("_"):
        raise BadText("names may not begin with an underscore")
    for child in node.iter_child_nodes():
        _refuse_costly(child, loops, depth + 1)


# Texts without control flow: spans with gaps

Value = Callable[[Args], object]

Fill = Callable[[Args], tuple[Span, ...]]


@dataclass(frozen=True, slots=True)
class _Named:
    """A value that stands in a text."""

    reads: str
    value: Value


_NAME = re.compile(r"\{\{ *([a-z]\w*(?:\.[a-z]\w*)*) *\}\}", re.ASCII)
_NOT_NAMES = {"and", "else", "false", "if", "import", "in", "is", "none", "not", "or", "recursive", "self", "true"}


def _only_names(source: str) -> list[str | _Named] | None:
    """Without the template language, which took a quarter of the time that a project is read in: nearly all texts are
    characters and `{{ names }}`. None where there is more.
    """
    pieces = _NAME.split(source)
    if any(mark in piece for piece in pieces[::2] for mark in ("{{", "{%", "{#")):
        return None
    found: list[str | _Named] = list(pieces)
    for at in range(1, len(pieces), 2):
        first, *fields = pieces[at].split(".")
        if not _NOT_NAMES.isdisjoint((first, *fields)):
            return None
        value = _name(first)
        for field in fields:
            value = _field(value, field)
        found[at] = _Named(first, value)
    return found


def _pieces_of(tree: nodes.Template, language: str) -> list[str | _Named] | None:
    """None when it branches, loops or calculates."""
    pieces: list[str | _Named] = []
    for output in tree.body:
        if type(output).__name__ != "Output":
            return None
        for node in output.iter_child_nodes():
            if type(node).__name__ == "TemplateData":
                pieces.append(str(getattr(node, "data", "")))
            elif value := _value(node, language):
                pieces.append(_Named("", value))
            else:
                return None
    return pieces


def _filler_of_gaps(pieces: Sequence[str | _Named], language: str) -> Fill | None:
    """None when only Jinja can fill the text: it has a value in the address of a link, or markup takes one apart."""
    source, values = "", list[Callable[[Args], str]]()
    for piece in pieces:
        if isinstance(piece, str):
            source += piece
            continue
        if _in_address(source):
            return None
        source += f"{_GAP}{len(values)}{_END}"
        values.append(_shower(piece.value, language))
    spans = _with_gaps(source)
    if sum(isinstance(part, int) for _, parts in spans for part in parts) != len(values):
        return None
    return lambda args: _filled(spans, [value(args) for value in values])


Gapped = tuple[Span, tuple[str | int, ...]]
"""A span and what its text is made of: characters and numbers of values. Nothing: it is said as it is."""


def _with_gaps(source: str) -> tuple[Gapped, ...]:
    return tuple((span, _pieces(span.text) if _GAP in span.text else ()) for span in markup.parse(source))


def _pieces(text: str) -> tuple[str | int, ...]:
    first, *rest = text.split(_GAP)
    pieces: list[str | int] = [first]
    for piece in rest:
        number, _, after = piece.partition(_END)
        pieces += int(number), after
    return tuple(pieces)


def _filled(spans: Sequence[Gapped], values: Sequence[str]) -> tuple[Span, ...]:
    if sum(map(len, values)) > LONGEST:
        raise Unsayable(f"a text became longer than {LONGEST} characters")
    filled: list[Span] = []
    for span, pieces in spans:
        if not pieces:
            filled.append(span)
        elif text := "".join([values[piece] if isinstance(piece, int) else piece for piece in pieces]):
            filled.append(Span(text, span.marks, span.link))
    return tuple(filled)


def _in_address(source: str) -> bool:
    """Whether what follows stands between the round brackets of a link."""
    return source.rfind("](") > source.rfind(")")


def _value(node: nodes.Node, language: str) -> Value | None:
    """A function for the plainest expressions: names, their fields, filters with fixed arguments."""
    match type(node).__name__:
        case "Name":
            return _name(str(getattr(node, "name", "")))
        case "Getattr":
            inner = _value(_child(node, "node"), language)
            return inner and _field(inner, str(getattr(node, "attr", "")))
        case "Filter":
            return _filtered(node, language)
        case _:
            return None


def _name(name: str) -> Value:
    def value(args: Args) -> object:
        try:
            return args[name]
        except KeyError:
            raise Unsayable(f"{name!r} has no value") from None

    return value


def _field(inner: Value, name: str) -> Value:
    def value(args: Args) -> object:
        owner = inner(args)
        if isinstance(owner, Mapping) and name in owner:
            return owner[name]
        raise Unsayable(f"there is no {name!r}")

    return value


def _filtered(node: nodes.Node, language: str) -> Value | None:
    name, of = str(getattr(node, "name", "")), getattr(node, "node", None)
    constants = [getattr(arg, "value", _NONE) for arg in getattr(node, "args", ())]
    named = {str(pair.key): getattr(pair.value, "value", _NONE) for pair in getattr(node, "kwargs", ())}
    inner = _value(of, language) if of is not None else None
    if inner is None or name == "default" or _NONE in constants or _NONE in named.values():
        return None
    given = inner

    def value(args: Args) -> object:
        return _apply(name, given(args), language, constants, named)

    return value


_NONE = object()


def _child(node: nodes.Node, name: str) -> nodes.Node:
    child: nodes.Node = getattr(node, name)
    return child


def _shower(value: Value, language: str) -> Callable[[Args], str]:
    return lambda args: shown(value(args), language)


# Texts with control flow: Jinja, with numbered gaps for values


def _filler_of_template(tree: nodes.Template, language: str) -> Fill:
    from jinja2 import TemplateError
    from jinja2.nodes import Filter, Output, TemplateData

    parse: Callable[[str], tuple[Gapped, ...]] = _parsed  # of a few branches: the same sources come again and again
    for output in tree.find_all(Output):
        before = ""
        for at, node in enumerate(output.nodes):
            if isinstance(node, TemplateData):
                before += node.data
            elif _in_address(before):
                output.nodes[at] = Filter(node, "_address", [], [], None, None)
                parse = _with_gaps
    tree.set_environment(_environment(language))
    try:
        template = _environment(language).from_string(tree)
    except TemplateError as error:
        raise BadText(f"the text cannot be read: {error}") from error

    def fill(args: Args) -> tuple[Span, ...]:
        values: list[str] = []
        try:
            source = "".join(_capped(template, {**args, "_values": values}))
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise Unsayable(str(error)) from error
        return _filled(parse(source), values)

    return fill


@lru_cache(maxsize=256)
def _parsed(source: str) -> tuple[Gapped, ...]:
    """Of sources without values in them, which only number their places."""
    return _with_gaps(source)


def _capped(template: Template, args: dict[str, object]) -> Iterator[str]:
    length = 0
    for piece in template.generate(args):
        length += len(piece)
        if length > LONGEST:
            raise Unsayable(f"a text became longer than {LONGEST} characters")
        yield piece


@cache
def _environment(language: str) -> Environment:
    from jinja2 import StrictUndefined, Undefined, pass_context
    from jinja2.runtime import Context
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    @pass_context
    def gap(context: Context, value: object) -> str:
        """Instead of a value its number, so that markup is read without it."""
        if isinstance(value, _Verbatim):
            return value
        if isinstance(value, Undefined):
            str(value)  # raises: names the missing value
        values = context["_values"]
        values.append(shown(value, language))
        return f"{_GAP}{len(values) - 1}{_END}"

    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, finalize=gap, optimized=False, auto_reload=False, cache_size=0
    )
    environment.globals.clear()
    filters: dict[str, Any] = {name: _bound(name, language) for name in _FILTERS if name != "default"}

    def default(value: object, other: object = "") -> object:
        return other if value is None or isinstance(value, Undefined) else value

    filters |= {"default": default, "_address": _address}
    environment.filters = filters
    environment.tests = {name: environment.tests[name] for name in ("defined", "none")}
    return environment


def _bound(name: str, language: str) -> Callable[..., object]:
    return lambda value, *args, **named: _apply(name, value, language, args, named)


def _address(value: object) -> _Verbatim:
    """As part of a link's address: nothing in it ends the address."""
    return _Verbatim(quote(str(value), safe=":/?#@!$&+,;=%-._~"))


# How values look


def shown(value: object, language: str) -> str:
    match value:
        case None:
            return ""
        case Chosen():
            return value.label
        case str():
            return value.replace(_GAP, "").replace(_END, "")
        case bool():
            return "✓" if value else "✗"
        case int():
            return str(value)
        case float():
            return _number(value, language)
        case datetime():
            return _day_and_time(value, language)
        case date():
            return _date(value, language)
        case time():
            return _time(value, language)
        case timedelta():
            return _span(value, language)
        case list() | tuple():
            return _list([shown(item, language) for item in value], language)
        case {"amount": int() | float() as amount, "currency": str(currency)}:
            return _money(amount, language, currency)
        case {"latitude": int() | float() as latitude, "longitude": int() | float() as longitude, "label": str(label)}:
            return shown(label or f"{latitude:.5f}, {longitude:.5f}", language)
        case {"ref": str(), "name": str(name), "type": str(kind)}:
            return shown(name or kind, language)
        case _:
            raise Unsayable(f"a {type(value).__name__} cannot be shown")


def _apply(name: str, value: object, language: str, args: Sequence[object], named: Mapping[str, object]) -> object:
    try:
        return _FILTERS[name](value, language, *args, **named)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise Unsayable(f"{name}: {error}") from error


def _number(value: object, language: str) -> str:
    from babel.numbers import format_decimal

    return str(format_decimal(_amount(value), locale=locale_of(language)))


def _money(value: object, language: str, currency: str = "") -> str:
    from babel.numbers import format_currency

    match value:
        case {"amount": amount, "currency": str(own)}:
            value, currency = amount, own
    return str(format_currency(_amount(value), currency, locale=locale_of(language)))


def _amount(value: object) -> Any:
    from decimal import Decimal

    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError("not a number")
    return Decimal(str(value))


def _date(value: object, language: str, look: str = "long") -> str:
    from babel.dates import format_date

    return str(format_date(_moment(value), format=look, locale=locale_of(language)))


def _time(value: object, language: str, look: str = "short") -> str:
    from babel.dates import format_time

    moment = value if isinstance(value, time) else _moment(value)
    at = moment.timetz() if isinstance(moment, datetime) else moment if isinstance(moment, time) else None
    return str(format_time(at, look, locale=locale_of(language)))


def _day_and_time(value: datetime, language: str) -> str:
    """In the zone it was said in; nobody is told which, for it is their own."""
    from babel.dates import get_datetime_format

    joined = str(get_datetime_format("long", locale_of(language))).replace("'", "")
    return joined.replace("{1}", _date(value, language)).replace("{0}", _time(value, language))


_SPANS: tuple[tuple[Literal["week", "day", "hour", "minute", "second"], int], ...] = (
    ("week", 604_800),
    ("day", 86_400),
    ("hour", 3_600),
    ("minute", 60),
    ("second", 1),
)


def _span(value: timedelta, language: str) -> str:
    """In its two largest units: `1 hour 30 minutes`; a week is said as days unless it is whole."""
    from babel.dates import format_timedelta

    locale = locale_of(language)
    left, parts = round(value.total_seconds()), list[str]()
    for unit, size in _SPANS:
        if unit == "week" and left % size:
            continue
        count, left = divmod(left, size)
        if (count or (unit == "second" and not parts)) and len(parts) < 2:
            whole = timedelta(seconds=count * size)  # `format_unit` has no names for days in half of the languages
            parts.append(format_timedelta(whole, unit, threshold=10**9, locale=locale))
    return " ".join(parts)


def _list(items: Sequence[str], language: str) -> str:
    """`a, b and c`."""
    if len(items) < 2:
        return "".join(items)
    from babel.lists import format_list

    return str(format_list(items, locale=locale_of(language)))


def _moment(value: object) -> date:
    if isinstance(value, date):
        return value
    if isinstance(value, str):
        return datetime.fromisoformat(value) if len(value) > 10 else date.fromisoformat(value)
    raise TypeError("not a date")


def _plural(value: object, language: str, **forms: object) -> object:
    """`{{ days | plural(one="day", other="days") }}`: the form alone, by the language's own rules."""
    form = locale_of(language).plural_form(_amount(value))
    return forms.get(form, forms.get("other", ""))


def _join(value: object, language: str, separator: str = ", ") -> str:
    if not isinstance(value, list | tuple):
        raise TypeError("not a list")
    if len(value) * len(separator) > LONGEST:
        raise ValueError("too long")
    return separator.join(shown(item, language) for item in value)


def _round(value: object, language: str, digits: int = 0) -> float | int:
    amount = round(float(_amount(value)), min(max(int(digits), 0), 10))
    return amount if digits else int(amount)


def _length(value: object, language: str) -> int:
    if not isinstance(value, str | list | tuple | Mapping):
        raise TypeError("has no length")
    return len(value)


def _at(position: int) -> Callable[..., object]:
    def item(value: object, language: str) -> object:
        if not isinstance(value, list | tuple):
            raise TypeError("not a list")
        return value[position]

    return item


_FILTERS: dict[str, Callable[..., object]] = {
    "upper": lambda value, language: shown(value, language).upper(),
    "lower": lambda value, language: shown(value, language).lower(),
    "capitalize": lambda value, language: shown(value, language).capitalize(),
    "trim": lambda value, language: shown(value, language).strip(),
    "length": _length,
    "first": _at(0),
    "last": _at(-1),
    "join": _join,
    "round": _round,
    "number": _number,
    "money": _money,
    "date": _date,
    "time": _time,
    "plural": _plural,
    "default": lambda value, language, other="": value,  # in the environment: it must see what is undefined
}
