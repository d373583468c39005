"""Every pair of colours that stands on a screen can be told apart, in light and in dark."""

import re
from pathlib import Path

import pytest

TOKENS = Path(__file__).parents[2] / "web" / "shared" / "tokens.css"

SURFACES = ("bg", "subtle", "raised", "sunken")
TEXTS = ("text", "muted", "faint")
STATES = ("bot", "human", "ok", "warn", "bad", "info")

# Text on what lies below it; 4.5 : 1 (WCAG 2.2, 1.4.3).
READ = [
    *((text, below) for text in TEXTS for below in SURFACES),
    *(("on-accent", fill) for fill in ("accent", "accent-hover")),
    *(("accent-text", below) for below in (*SURFACES, "accent-soft")),
    *((state, below) for state in STATES for below in (f"{state}-soft", "bg", "subtle", "raised")),
    *(("on-status", state) for state in STATES),
    ("note-text", "note"),
]
# Edges of what can be operated, and the ring of the focus; 3 : 1 (1.4.11).
SEEN = [(edge, below) for edge in ("border-strong", "focus") for below in SURFACES]


def block(selector: str) -> dict[str, str]:
    source = TOKENS.read_text("utf-8")
    inside = source[source.index(f"{selector} {{") :].split("}")[0]
    return dict(re.findall(r"--fd-([\w-]+):\s*([^;]+);", inside))


LIGHT = block(":root")
DARK = LIGHT | block('[data-scheme="dark"]')


def luminance(color: str) -> float:
    assert re.fullmatch(r"#[0-9a-f]{6}", color), color
    shares = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("above", "below"), READ)
def test_text_can_be_read(scheme: dict[str, str], above: str, below: str) -> None:
    assert contrast(scheme[above], scheme[below]) >= 4.5


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("edge", "below"), SEEN)
def test_edges_and_focus_can_be_seen(scheme: dict[str, str], edge: str, below: str) -> None:
    assert contrast(scheme[edge], scheme[below]) >= 3


def test_dark_by_choice_and_by_the_system_are_alike() -> None:
    assert block('[data-scheme="dark"]') == block(':root:not([data-scheme="light"])')


def test_dark_changes_every_colour_that_light_has() -> None:
    fixed = {"on-accent", "on-light"}
    colors = {name for name, value in LIGHT.items() if value.startswith("#")}
    assert colors - fixed <= set(block('[data-scheme="dark"]'))
