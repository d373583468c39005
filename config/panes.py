"""What `frontdesk chat --inspect` shows beside the talk: panes on a terminal, lines on a pipe."""

from __future__ import annotations

import contextlib
import io
from collections import deque
from collections.abc import Callable, Iterator

from rich.console import Console as Screen
from rich.console import Group
from rich.layout import Layout
from rich.panel import Panel
from rich.text import Text as Shown

from bot.fit import plain
from bot.flow.fold import fold_event
from bot.model import Event, Pressed, Said, State, Turned
from bot.ports import Happened, News
from channels.terminal import inert
from config import inspector, telling

_MOST_LINES = 500


class Lines:
    """For a pipe, and for terminals too small for panes: everything between the lines of the talk, in order."""

    def __init__(self, screen: Screen) -> None:
        self.console = self._screen = screen
        self._state = State()

    def happened(self, news: News) -> None:
        if not isinstance(news, Happened):
            return
        for event in news.events:
            self._state = fold_event(self._state, event)
            for line in _lines(event):
                self._print(f"{event.seq:>4}  {line}")
            if isinstance(event.body, Turned):
                for title, lines in _sides(self._state):
                    if lines or title == "flows":
                        self._print(f"      {title}: {'; '.join(lines) or 'none'}")

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        yield

    def _print(self, line: str) -> None:
        self._screen.print(Shown(inert(f"    {line}"), style="dim"), soft_wrap=True)


class Panes:
    """The talk on the left; on the right flows, slots, timers and what happened. Drawn anew with all that happens."""

    def __init__(self, screen: Screen) -> None:
        self._screen, self._state = screen, State()
        self._talk = _Talk(self.draw)
        self._done: deque[str] = deque(maxlen=_MOST_LINES)
        self._is_shown = False
        self.console = Screen(
            file=self._talk,
            force_terminal=True,
            width=max(20, screen.width * 3 // 5 - 4),
            highlight=False,
        )
        """What the terminal's door prints to."""

    def happened(self, news: News) -> None:
        if not isinstance(news, Happened):
            return
        for event in news.events:
            self._state = fold_event(self._state, event)
            self._done.extend(_lines(event))
            if event.author.kind == "customer" and isinstance(event.body, Said | Pressed):
                self._talk.write(f"{inert(_words(event))}\n")
        self.draw()

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """While the talk lasts; what was said stays on the terminal afterwards."""
        self._is_shown = True
        self._screen.set_alt_screen(True)
        try:
            self.draw()
            yield
        finally:
            self._is_shown = False
            self._screen.set_alt_screen(False)
            self._screen.print(Shown.from_ansi(self._talk.whole))

    def draw(self) -> None:
        if not self._is_shown:
            return
        high = max(8, self._screen.height - 2)
        layout = Layout()
        layout.split_row(Layout(self._left(high), ratio=3), Layout(name="right", ratio=2))
        sides = [(title, lines) for title, lines in _sides(self._state) if lines or title != "timers"]
        done = Layout(_panel("what happened", list(self._done)[-self._room(sides, high) :]), ratio=1)
        layout["right"].split_column(
            *(Layout(_panel(title, lines), size=min(len(lines) or 1, high // 6) + 2) for title, lines in sides), done
        )
        self._screen.clear()
        self._screen.print(layout, height=high, end="")
        self._screen.print(Shown("\nyou: ", style="bold"), end="")

    def _room(self, sides: list[tuple[str, list[str]]], high: int) -> int:
        return max(1, high - sum(min(len(lines) or 1, high // 6) + 2 for _, lines in sides) - 2)

    def _left(self, high: int) -> Panel:
        lines = Shown.from_ansi(self._talk.whole.removesuffix("you: ")).split("\n")
        return Panel(Group(*lines[-(high - 2) :]), title="talk", title_align="left", border_style="magenta")


class _Talk(io.StringIO):
    """What was printed so far; whoever prints sees it at once."""

    def __init__(self, changed: Callable[[], None]) -> None:
        super().__init__()
        self._changed = changed

    @property
    def whole(self) -> str:
        return self.getvalue()

    def flush(self) -> None:
        super().flush()
        self._changed()


def _sides(state: State) -> Iterator[tuple[str, list[str]]]:
    yield "flows", inspector.stack_lines(state)
    yield "pending", list(filter(None, [inspector.pending_line(state)]))
    yield "slots", inspector.slot_lines(state)
    yield "timers", [telling.timer_line(timer) for timer in state.timers]


def _lines(event: Event) -> list[str]:
    """Of what is said the talk tells already."""
    if isinstance(event.body, Said | Pressed):
        return []
    return [*(told.line for told in telling.event_told(event)), *map(telling.move_line, telling.moves_of(event))]


def _words(event: Event) -> str:
    match event.body:
        case Said(message=message):
            return " ".join(plain(part) for part in message.parts)
        case Pressed(label=label):
            return label
        case _:
            return ""


def _panel(title: str, lines: list[str]) -> Panel:
    shown = Shown("\n".join(map(inert, lines)) or "none", overflow="ellipsis", no_wrap=True)
    return Panel(shown, title=title, title_align="left", border_style="dim")
