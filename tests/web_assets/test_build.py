"""`web/build.py`: builds what changed, always to the same bytes, and says in one line what keeps it from building."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.web_assets.building import ROOT, builder

WEB = ROOT / "web"


def run(web: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name != "CI"}
    return subprocess.run(
        [sys.executable, str(web / "build.py"), *arguments], env=kept | environment, capture_output=True, text=True
    )


def checkout(folder: Path) -> Path:
    """The sources in another place, with the packages installed here."""
    if not (WEB / "node_modules" / ".installed").is_file():
        pytest.skip("no node_modules: run `make web`")
    web = folder / "web"
    skipped = shutil.ignore_patterns("node_modules", "test", "__pycache__")
    shutil.copytree(WEB, web, ignore=skipped)
    (web / "node_modules").symlink_to(WEB / "node_modules")
    return web


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.timeout(300)
def test_two_builds_in_two_places_give_the_same_bytes(tmp_path: Path) -> None:
    first = checkout(tmp_path / "one")
    second = tmp_path / "another" / "web"
    shutil.copytree(first, second, symlinks=True)
    built = []
    for web in (first, second):
        done = run(web)
        assert done.returncode == 0, done.stderr
        if "are not built" in done.stderr:
            pytest.skip(done.stderr.strip())
        built.append(contents(web.parent / "channels"))
    assert built[0].keys() == built[1].keys()
    assert [name for name in built[0] if built[0][name] != built[1][name]] == []


def test_the_digest_follows_contents_and_names_not_times(tmp_path: Path) -> None:
    web = tmp_path / "web"
    web.mkdir()
    shutil.copy(WEB / "build.py", web)
    (web / "a.ts").write_text("one")
    first = builder(web).digest()
    os.utime(web / "a.ts", (0, 0))
    (web / "test").mkdir()
    (web / "test" / "a.test.ts").write_text("not built")
    assert builder(web).digest() == first
    (web / "a.ts").rename(web / "b.ts")
    second = builder(web).digest()
    (web / "b.ts").write_text("two")
    assert len({first, second, builder(web).digest()}) == 3


@pytest.mark.parametrize(("environment", "code"), [({}, 0), ({"CI": "1"}, 1)], ids=["at home", "in CI"])
def test_without_node_it_says_so_in_one_line(tmp_path: Path, environment: dict[str, str], code: int) -> None:
    web = tmp_path / "web"
    web.mkdir()
    shutil.copy(WEB / "build.py", web)
    # A path without Node, and a Python that may not install it: not in a virtual environment.
    python = shutil.which(Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}"))
    assert python is not None
    done = subprocess.run(
        [python, str(web / "build.py")], env={"PATH": ""} | environment, capture_output=True, text=True
    )
    said = "web: no Node 20.19 or newer here, and none could be installed; the front ends are not built\n"
    assert (done.returncode, done.stderr) == (code, said)


def test_an_unknown_word_is_explained() -> None:
    done = run(WEB, "publish")
    assert done.returncode == 2
    assert "python web/build.py types" in done.stderr


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.js", 'fetch("https://fonts.example.com/x")', "other hosts: https://fonts.example.com/x"),
        ("a.css", "@import url(//cdn.example.com/x.css)", r"other hosts: url\(//cdn.example.com/x.css"),
        ("a.js.map", "{}", "a source map"),
        ("a.js", "1\n//# sourceMappingURL=a.js.map", "a source map"),
    ],
)
def test_what_may_not_ship_stops_the_build(tmp_path: Path, name: str, content: str, why: str) -> None:
    static = tmp_path / "channels" / "web" / "static"
    static.mkdir(parents=True)
    (tmp_path / "web").mkdir()
    shutil.copy(WEB / "build.py", tmp_path / "web")
    (static / name).write_text(content)
    build = builder(tmp_path / "web")
    with pytest.raises(build.Broken, match=why):
        build.inspect(static)


def test_name_spaces_may_be_named(tmp_path: Path) -> None:
    static = tmp_path / "channels" / "web" / "static"
    static.mkdir(parents=True)
    (tmp_path / "web").mkdir()
    shutil.copy(WEB / "build.py", tmp_path / "web")
    (static / "a.js").write_text('"http://www.w3.org/2000/svg" + "http://localhost" + /a\\/\\/b/')
    builder(tmp_path / "web").inspect(static)
