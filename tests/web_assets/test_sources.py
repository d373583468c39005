"""What the front ends may not write: markup from strings, colours and sides of their own, words outside the texts."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

WEB = Path(__file__).parents[2] / "web"
SCRIPTS = (".ts", ".tsx", ".mjs", ".html")


def sources(*suffixes: str) -> Iterator[Path]:
    for folder in ("shared", "widget/src", "console/src"):
        for path in sorted((WEB / folder).rglob("*")):
            if path.suffix in suffixes and path.name != "schema.d.ts":
                yield path
    yield from (path for path in sorted((WEB / "console").glob("*")) if path.suffix in suffixes)


def found(pattern: str, *suffixes: str) -> list[str]:
    """Where the pattern stands in code; a comment may name what the code does not do."""
    places = []
    for path in sources(*suffixes):
        code = re.sub(
            r"/\*.*?\*/", lambda comment: re.sub(r"[^\n]", " ", comment[0]), path.read_text("utf-8"), flags=re.S
        )
        for number, line in enumerate(code.splitlines(), 1):
            if match := re.search(pattern, re.sub(r"(?<![:\w])//.*", "", line)):
                places.append(f"{path.relative_to(WEB)}:{number}: {match[0].strip()}")
    return places


@pytest.mark.parametrize(
    "pattern",
    [
        r"\b(?:inner|outer)HTML\b",
        r"dangerouslySetInnerHTML",
        r"insertAdjacentHTML",
        r"document\.write",
        r"\beval\(",
        r"\bnew Function\b",
        r"<style\b",
        r"\bstyle=\"",
        r"\.cssText\b",
    ],
)
def test_nothing_is_made_from_strings(pattern: str) -> None:
    assert found(pattern, *SCRIPTS) == []


def test_no_sheet_names_a_side() -> None:
    sides = r"(?:left|right|top|bottom)"
    corners = r"border-(?:top|bottom)-(?:left|right)-radius"
    property_of_side = (
        rf"(?<![\w-])(?:(?:margin|padding|border|inset|scroll-margin|scroll-padding)-)?{sides}(?:-\w+)?\s*:"
    )
    value_of_side = r"(?:text-align|float|clear)\s*:\s*(?:left|right)"
    assert found(f"{property_of_side}|{corners}|{value_of_side}", ".css") == []


def test_every_colour_is_a_token() -> None:
    color = r"#[0-9a-fA-F]{3,8}\b|\b(?:rgba?|hsla?|oklch|oklab|lab|lch|hwb)\(|(?<![\w-])(?:white|black)(?![\w-])"
    places = [place for place in found(color, ".css") if not place.startswith("shared/tokens.css")]
    places += found(r"""["'`]#[0-9a-fA-F]{3,8}["'`]|["'`](?:rgba?|hsla?|oklch)\(""", ".ts", ".tsx")
    assert places == []


def test_every_word_on_the_screen_is_a_text() -> None:
    between_tags = r"(?<![=])>\s*[A-Za-zÀ-ÿ]{2}[^<>{}()=;]*</"
    alone_on_a_line = r"^\s+[A-Z][a-z]+(?: [a-z]+)+[.!?]?$"
    # A key of the texts is one word in small letters.
    attributes = r"""\b(?:aria-label|placeholder|title|alt|label)="[^"{]*(?:[A-Z][a-z]|\w \w)"""
    assert found(f"{between_tags}|{alone_on_a_line}|{attributes}", ".tsx") == []


def test_the_widget_imports_preact_and_what_is_shared() -> None:
    allowed = r"preact(?:/hooks)?|\.{1,2}/[\w./?-]+|virtual:launcher-texts"
    places = []
    for path in sorted((WEB / "widget" / "src").rglob("*.ts*")):
        for name in re.findall(r"""(?:from|import\()\s*["']([^"']+)["']""", path.read_text("utf-8")):
            target = (path.parent / name).resolve()
            outside = name.startswith(".") and not target.is_relative_to(WEB / "widget" / "src")
            if not re.fullmatch(allowed, name) or (outside and not target.is_relative_to(WEB / "shared")):
                places.append(f"{path.relative_to(WEB)} imports {name}")
    assert places == []


def test_the_console_uses_no_part_that_writes_styles() -> None:
    # Under the console's policy these write `<style>` elements, and the page stays white.
    parts = r"(?:AppShell|Flex|Grid|SimpleGrid)"
    assert found(rf"<{parts}\b|\b{parts}\b.*from \"@mantine/core\"", ".tsx") == []


def test_the_lock_holds_no_addresses() -> None:
    lock = (WEB / "package-lock.json").read_text("utf-8")
    assert re.findall(r'"resolved": "(?!widget|console)[^"]*"', lock) == []
    assert '"integrity": "sha512-' in lock


def test_every_version_is_exact() -> None:
    wrong = []
    for manifest in (WEB / "package.json", WEB / "widget" / "package.json", WEB / "console" / "package.json"):
        wrong += re.findall(
            r'"[@\w/-]+": "[\^~*<>x][^"]*"', manifest.read_text("utf-8").replace('"node": ">=20.19"', "")
        )
    assert wrong == []
