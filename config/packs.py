"""Ready-made projects: where they lie, how a new project is made of one, and what a desk must grant before one runs."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from bot.errors import SettingsError
from bot.flow.book import Book
from bot.flow.conditions import hint
from bot.flow.read import read
from config.settings import OWN_CONFIG, DeskFile

SHIPPED = Path(__file__).parent.parent / "flows"
GROUP = "frontdesk.packs"
"""Entry points of packages that are packs: a name, and the package whose folder has the shape of a flow folder."""
FIRST = "starter"
"""What a project begins with when nobody names a pack."""

_LEFT_OUT = shutil.ignore_patterns("packs", "__init__.py", "__pycache__")


def packs() -> dict[str, Path]:
    """Folder by name: those that ship, and those of installed packages."""
    found = {"shop": SHIPPED}
    found |= {path.parent.name: path.parent for path in sorted((SHIPPED / "packs").glob("*/assistant.yaml"))}
    for point in entry_points(group=GROUP):
        spec = find_spec(point.value)
        if spec and spec.submodule_search_locations:
            found.setdefault(point.name, Path(next(iter(spec.submodule_search_locations))))
    return found


def make(folder: Path, pack: str) -> Book:
    """A new project of a pack, all that it needs granted: who makes it has read what that is.

    Raises `SettingsError` when there is no such pack, or something in the folder would be overwritten.
    """
    known = packs()
    if pack not in known:
        raise SettingsError(f"there is no pack {pack!r}{hint(pack, known)}; there are {', '.join(sorted(known))}")
    flows, config = folder / "flows", folder / "config" / "frontdesk.yaml"
    for path in (flows, config):
        if path.exists():
            raise SettingsError(f"{path} exists already: name a new folder")
    shutil.copytree(known[pack], flows, ignore=_LEFT_OUT)
    for name in ("texts", "knowledge", "tests"):
        (flows / name).mkdir(exist_ok=True)
    book = read(flows)
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(_config(book), encoding="utf-8")
    return book


def _config(book: Book) -> str:
    """As ours, but for what is granted."""
    lines = OWN_CONFIG.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("grants:")]
    return "\n".join([*kept, f"grants: [{', '.join(book.assistant.needs.scopes)}]"]) + "\n"


def refuse_ungranted(book: Book, file: DeskFile, environ: Mapping[str, str]) -> None:
    """Raises `SettingsError` that says all that a desk must add before it may run these flows."""
    needs = book.assistant.needs
    scopes = [scope for scope in needs.scopes if scope not in file.grants]
    settings = [name for name in needs.settings if not environ.get(name)]
    told = []
    if scopes:
        told.append(
            f"need the {'scope' if len(scopes) == 1 else 'scopes'} {', '.join(map(repr, scopes))}: "
            f"add 'grants: [{', '.join((*file.grants, *scopes))}]' to frontdesk.yaml if they may have {_it(scopes)}"
        )
    if settings:
        told.append(f"need {', '.join(settings)} in the environment")
    if told:
        raise SettingsError(f"the flows in {file.flows} {', and '.join(told)}")


def _it(names: list[str]) -> str:
    return "it" if len(names) == 1 else "them"
