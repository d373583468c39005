"""What was built: within its budget, without maps, naming no other host."""

import gzip
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

from tests.web_assets.building import CONSOLE, WIDGET, builder

KB = 1024


def size(path: Path) -> int:
    return len(gzip.compress(path.read_bytes(), 9, mtime=0))


@pytest.fixture
def widget() -> Path:
    return _built(WIDGET)


@pytest.fixture
def console() -> Path:
    return _built(CONSOLE)


def _built(folder: Path) -> Path:
    if not (folder / "build.json").is_file():
        pytest.skip(f"{folder.parent.name}/static is not built: run `make web`")
    return folder


def test_the_loader_is_3_kb(widget: Path) -> None:
    assert size(widget / "loader.js") <= 3 * KB


def test_the_panel_is_32_kb(widget: Path) -> None:
    assert [size(path) <= 32 * KB for path in widget.glob("panel-*.js")] == [True]


def test_a_language_is_2_and_a_half_kb(widget: Path) -> None:
    sizes = {path.name[5:7]: size(path) for path in widget.glob("lang-*.js")}
    assert {name for name, bytes in sizes.items() if bytes <= 2.5 * KB} == {"ar", "de", "es", "fr", "pt"}


def test_the_loader_names_the_panel_that_is_there(widget: Path) -> None:
    (panel,) = widget.glob("panel-*.js")
    assert panel.name in (widget / "loader.js").read_text("utf-8")
    assert json.loads((widget / "build.json").read_text("utf-8"))["panel"] == panel.name


def test_the_consoles_first_route_is_270_kb_and_22_kb_of_styles(console: Path) -> None:
    page = (console / "index.html").read_text("utf-8")
    names = set(re.findall(r'(?:src|href)="/console/([^"]+\.(?:js|css))"', page))
    total = {kind: sum(size(console / name) for name in names if name.endswith(kind)) for kind in (".js", ".css")}
    assert total[".js"] <= 270 * KB
    assert total[".css"] <= 22 * KB


@pytest.mark.parametrize("folder", [WIDGET, CONSOLE], ids=["widget", "console"])
def test_every_file_has_its_compressed_siblings(folder: Path) -> None:
    _built(folder)
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix not in {".br", ".gz"}]
    alone = [
        path.name for path in files if path.name != "build.json" and not path.with_name(path.name + ".br").exists()
    ]
    assert alone == []
    for path in folder.rglob("*.gz"):
        assert gzip.decompress(path.read_bytes()) == path.with_suffix("").read_bytes()


@pytest.mark.parametrize("folder", [WIDGET, CONSOLE], ids=["widget", "console"])
def test_nothing_foreign_and_no_map_is_shipped(folder: Path) -> None:
    build: ModuleType = builder()
    build.inspect(_built(folder))
