"""What is shipped: the wheel, the sdist, the locks and the image, each built as a release builds it and then opened.

There is no container engine here: the steps of the Dockerfile run in folders that stand for its stages.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("bot", "channels", "config", "flows")
ASSETS = ("channels/web/static", "channels/console/static")
LOCKS = ("requirements.lock", "requirements-run.lock")


@dataclass(frozen=True, slots=True)
class Release:
    tree: Path  # a clean checkout with built assets
    wheel: frozenset[str]  # the names inside, without the metadata
    sdist: frozenset[str]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean checkout as git would make it now, and the built assets."""
    if missing := [folder for folder in ASSETS if not (ROOT / folder / "build.json").is_file()]:
        pytest.skip(f"{' and '.join(missing)} not built: run `make web`")
    tree = tmp_path_factory.mktemp("checkout")
    # In a container the checkout may belong to another user, which git otherwise refuses.
    listing = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
    for folder in ASSETS:
        shutil.copytree(ROOT / folder, tree / folder)
    return tree


@pytest.fixture(scope="module")
def release(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Release:
    dist = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-d", dist], cwd=tree, check=True, capture_output=True)
    (wheel,), (sdist,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as opened:
        inside = frozenset(name for name in opened.namelist() if ".dist-info/" not in name)
    with tarfile.open(sdist) as archive:
        packed = frozenset(name.partition("/")[2] for name in archive.getnames())
    return Release(tree, inside, packed)


def test_the_wheel_holds_the_four_packages_whole_and_nothing_else(release: Release) -> None:
    assert release.wheel == {name for package in PACKAGES for name in _files(release.tree, package)}


def test_the_sdist_holds_the_packages_with_their_assets_and_no_front_end_source(release: Release) -> None:
    folders = {name.partition("/")[0] for name in release.sdist if "/" in name}
    assert folders == set(PACKAGES)
    assert release.sdist >= release.wheel


@pytest.mark.parametrize("folder", ASSETS)
def test_assets_ship_with_their_fingerprint_and_without_source_maps(release: Release, folder: str) -> None:
    shipped = [name for name in release.wheel if name.startswith(folder)]
    assert f"{folder}/build.json" in shipped
    assert [name for name in shipped if name.endswith(".map")] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_address(lock: str) -> None:
    lines = (ROOT / lock).read_text().splitlines()
    assert [line for line in lines if re.search(r"://|--(extra-)?index-url|--find-links", line)] == []


@pytest.mark.timeout(600)  # downloads and installs what the image holds
def test_the_steps_of_the_dockerfile_give_a_working_command(tree: Path, tmp_path: Path) -> None:
    if not _downloads(tmp_path):
        pytest.skip("packages cannot be downloaded")
    image = Image(tree, tmp_path)
    # Its hash then says that there is nothing to build: this is about the steps, not about Node.
    for folder in ASSETS:
        shutil.copytree(tree / folder, tmp_path / "web/src" / folder)
    for instruction, text in _instructions(tree / "Dockerfile"):
        image.take(instruction, text)
    shown = image.run("frontdesk --help")
    assert "demo" in shown
    assert "serve" in shown


class Image:
    """The stages of a Dockerfile as folders: an absolute path of a step lies inside the folder of its stage."""

    def __init__(self, context: Path, home: Path) -> None:
        self.context, self.home = context, home
        self.stage = self.work = home
        self.environment = _clean_environment()
        tools = home / "tools"
        tools.mkdir()
        for name in ("python", "python3"):
            # A script, because an environment made through a link would look for its library beside the link.
            (tools / name).write_text(f'#!/bin/sh\nexec {shlex.quote(os.path.realpath(sys.executable))} "$@"\n')
            (tools / name).chmod(0o755)
        self.environment["PATH"] = f"{tools}:{self.environment['PATH']}"

    def take(self, instruction: str, text: str) -> None:
        match instruction:
            case "FROM":
                name = text.split(" AS ")[1] if " AS " in text else "final"
                self.stage = self.work = self.home / name
                self.stage.mkdir(exist_ok=True)
            case "WORKDIR":
                self.work = self._place(text)
                self.work.mkdir(parents=True, exist_ok=True)
            case "ENV":
                for setting in shlex.split(text):
                    name, _, value = setting.partition("=")
                    self.environment[name] = self._inside(value.replace("$PATH", self.environment["PATH"]))
            case "COPY":
                self._copy(text.split())
            case "RUN" if not text.startswith(("apt-get", "useradd")):  # those need a machine of their own
                self.run(text)

    def run(self, command: str) -> str:
        done = subprocess.run(
            self._inside(command),
            shell=True,
            cwd=self.work,
            env=self.environment,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, f"{command}:\n{done.stdout}"
        return done.stdout

    def _copy(self, words: list[str]) -> None:
        *options, source, target = words
        place = self._place(target)
        if options:
            stage = self.home / options[0].removeprefix("--from=")
            shutil.copytree(stage / source.lstrip("/"), place, symlinks=True, dirs_exist_ok=True)
            return
        ignored = [
            line for line in (self.context / ".dockerignore").read_text().split("\n") if line[:1] not in ("", "#")
        ]
        for name in _files(self.context, source):
            if not any(_ignores(pattern, PurePosixPath(name)) for pattern in ignored):
                into = self.work / name
                into.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(self.context / name, into)

    def _place(self, path: str) -> Path:
        return self.stage / path.lstrip("/") if path.startswith("/") else self.work / path

    def _inside(self, text: str) -> str:
        return re.sub(rf"(?<![\w./-])/(?=\w)(?!{re.escape(str(self.home)).lstrip('/')})", f"{self.stage}/", text)


def _instructions(dockerfile: Path) -> Iterator[tuple[str, str]]:
    text = re.sub(r"^#.*\n", "", dockerfile.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    for line in filter(None, text.splitlines()):
        instruction, _, rest = line.partition(" ")
        yield instruction, rest.strip()


def _ignores(pattern: str, path: PurePosixPath) -> bool:
    if pattern.startswith("**/"):
        return any(fnmatch(part, pattern[3:]) for part in path.parts)
    return any(fnmatch(str(place), pattern) for place in (path, *path.parents))


def _files(tree: Path, folder: str) -> Iterator[str]:
    found = tree / folder
    for path in [found] if found.is_file() else sorted(found.rglob("*")):
        if path.is_file():
            yield path.relative_to(tree).as_posix()


def _downloads(folder: Path) -> bool:
    asked = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-cache-dir", "editables"]
    return subprocess.run(asked, cwd=folder, check=False, capture_output=True).returncode == 0


def _clean_environment() -> dict[str, str]:
    dropped = ("PYTHON", "VIRTUAL_ENV", "FRONTDESK_")
    return {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
