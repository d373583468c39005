"""What Babel knows of a language: loaded when it is first needed, for a start has no use for it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from babel import Locale


@lru_cache(maxsize=1_000)  # customers bring the languages
def locale_of(language: str) -> Locale:
    """The nearest that is known: `fr-XX` is read as `fr`; English for what nobody knows."""
    from babel import Locale, UnknownLocaleError

    tag = language.replace("_", "-") if len(language) < 40 else ""
    while tag:
        try:
            return Locale.parse(tag, sep="-")
        except (UnknownLocaleError, ValueError):
            tag = tag.rpartition("-")[0]
    return Locale.parse("en")


@lru_cache(maxsize=1_000)
def region_of(language: str) -> str:
    """Where it is spoken, as its tag says (`pt-PT`), else where most of its speakers live: ISO 3166."""
    from babel.core import get_global

    locale: Locale = locale_of(language)
    if locale.territory:
        return str(locale.territory)
    likely = str(get_global("likely_subtags").get(locale.language, ""))
    region = likely.rpartition("_")[2]
    return region if len(region) == 2 else ""


@lru_cache(maxsize=1_000)
def currency_of(region: str) -> str:
    """ISO 4217; empty for a region nobody knows."""
    from babel.numbers import get_territory_currencies

    found = get_territory_currencies(region) if region else []
    return str(found[0]) if found else ""
