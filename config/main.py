"""The command `frontdesk`. Each subcommand imports what it needs when it runs, so that `--help` is quick."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from bot.errors import FlowErrors, FrontdeskError

app = typer.Typer(name="frontdesk", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
user = typer.Typer(no_args_is_help=True, help="Accounts of the console.")
db = typer.Typer(no_args_is_help=True, help="The database.")
app.add_typer(user, name="user")
app.add_typer(db, name="db")
channel = typer.Typer(no_args_is_help=True, help="Accounts on Telegram, Slack, Discord and others.")
app.add_typer(channel, name="channel")

FolderOrFile = Annotated[Path | None, typer.Argument(help="Flow folder; the one of frontdesk.yaml when left out.")]
Host = Annotated[str | None, typer.Option(help="Address to listen on.")]
Port = Annotated[int | None, typer.Option(help="Port to listen on; 0: any free one.")]


@app.command()
def demo(host: Host = None, port: Port = None) -> None:
    """Start the example shop on SQLite, with every door open, and print where to look."""
    from config.server import demo as run

    _run(run(host, port))


@app.command()
def serve(
    host: Host = None,
    port: Port = None,
    reload: Annotated[bool, typer.Option("--reload", help="Publish the flows again whenever a file changes.")] = False,
) -> None:
    """Start the program: all doors, turns and deliveries in one process."""
    from config.server import serve as run

    _run(run(host, port, reload=reload))


@app.command()
def chat(
    inspect: Annotated[
        bool, typer.Option(help="Show what happens: commands, slots, steps, who declined and why.")
    ] = False,
    language: Annotated[str, typer.Option(help="Language tag of the customer, such as fr.")] = "",
) -> None:
    """Talk to the bot here in the terminal, on a store in memory."""
    from config.chat import chat as run

    _run(run(inspect=inspect, language=language))


@app.command()
def check(
    path: FolderOrFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print mistakes as a JSON list, for editors and CI.")] = False,
) -> None:
    """Check flows, texts and settings; every mistake is printed as file:line:column: message."""
    from bot.flow.read import read
    from config.packs import refuse_ungranted
    from config.settings import read_settings

    def run() -> None:
        file = read_settings().desk_file()
        folder = path or file.flows
        try:
            book = read(folder)
        except FlowErrors as errors:
            if not as_json:
                raise
            typer.echo(msgspec.json.encode(errors.problems).decode())
            raise typer.Exit(1) from None
        if folder == file.flows:
            refuse_ungranted(book, file, os.environ)
            for other in dict.fromkeys(account.flows for account in file.accounts.values() if account.flows):
                refuse_ungranted(read(other), file.model_copy(update={"flows": other}), os.environ)
        summary = f"{folder}: {len(book.flows)} flows, {len(book.actions)} actions, no mistakes"
        typer.echo("[]" if as_json else summary)

    _guarded(run)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="The new project's folder.")],
    pack: Annotated[str, typer.Option(help="What it begins with: starter, shop, helpdesk, clinic.")] = "starter",
) -> None:
    """Make a new project of a pack: flows with texts, knowledge and tests, and its config/frontdesk.yaml."""
    from config.packs import make

    def run() -> None:
        book = make(folder, pack)
        typer.echo(
            f"{folder}: {len(book.flows)} flows. Next: cd {folder}, frontdesk check, frontdesk test, frontdesk chat"
        )
        if book.assistant.needs.scopes:
            typer.echo(f"granted in config/frontdesk.yaml: {', '.join(book.assistant.needs.scopes)}")
        if book.assistant.needs.settings:
            typer.echo(f"to be set in the environment: {', '.join(book.assistant.needs.settings)}")

    _guarded(run)


@app.command()
def sandbox(
    name: Annotated[str, typer.Argument(help="telegram, slack, discord or openai.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0: any free one.")] = 0,
    seed: Annotated[int, typer.Option(help="Of what is left to chance; the same seed repeats a run.")] = 0,
    script: Annotated[Path | None, typer.Option(help="What the model answers, YAML or JSON; only openai.")] = None,
    hook: Annotated[str, typer.Option(help="Where events are sent over HTTP; only slack.")] = "",
) -> None:
    """Stand in for a platform: unmodified clients talk to it, and you are the customer on its chat page."""
    from config.sandbox import run

    _run(run(name, host=host, port=port, seed=seed, script=script, hook=hook))


@app.command("test")
def run_tests(
    path: Annotated[Path | None, typer.Argument(help="Flow folder, folder of tests or one file.")] = None,
    only: Annotated[str, typer.Option("-k", help="Only tests whose name or file holds this.")] = "",
    coverage: Annotated[bool, typer.Option("--coverage", help="Tell which steps and branches no test takes.")] = False,
    fail_under: Annotated[float, typer.Option(help="With --coverage: percent below which the command fails.")] = 0,
    conversation: Annotated[
        str, typer.Option("--from", metavar="CONVERSATION", help="Print a test made from this conversation's log.")
    ] = "",
) -> None:
    """Run the conversation tests of a project: the real core, no network, virtual time."""
    from config.talks.command import all_pass
    from config.talks.record import written

    def run() -> None:
        if conversation:
            typer.echo(written(conversation, path), nl=False)
        elif not all_pass(path, only=only, coverage=coverage, fail_under=fail_under, echo=typer.echo):
            raise typer.Exit(1)

    _guarded(run)


@app.command()
def diff(path: FolderOrFile = None) -> None:
    """Tell what publishing the flows would do to the conversations that are under way; exit 1 if it breaks one."""
    from config.difference import difference, told
    from config.settings import read_settings

    async def run() -> None:
        settings = read_settings()
        file = settings.desk_file()
        others = frozenset((each.channel, name) for name, each in file.accounts.items() if each.flows)
        found = await difference(path or file.flows, settings.database, others)
        typer.echo("\n".join(told(found)))
        if any(each.fails for each in found):
            raise typer.Exit(1)

    _run(run())


@app.command("graph")
def graph_(
    flow: Annotated[str, typer.Argument(help="The flow's name.")],
    svg: Annotated[Path | None, typer.Option(help="Write an SVG picture to this file; - prints it.")] = None,
    mermaid: Annotated[bool, typer.Option("--mermaid", help="Print Mermaid source; so it is without --svg.")] = False,
    path: Annotated[Path | None, typer.Option(help="Flow folder; the one of frontdesk.yaml when left out.")] = None,
) -> None:
    """Draw a flow: as Mermaid source, or as an SVG picture."""
    from bot.flow.read import read
    from config.graph import drawn, write
    from config.settings import read_settings

    def run() -> None:
        book = read(path or read_settings().desk_file().flows)
        if svg is not None and str(svg) != "-":
            write(svg, drawn(book, flow, as_svg=True))
        if svg is None or mermaid or str(svg) == "-":
            typer.echo(drawn(book, flow, as_svg=str(svg) == "-" and not mermaid), nl=False)

    _guarded(run)


@app.command()
def replay(
    conversation: Annotated[str, typer.Argument(help="The conversation's id, as the console's address shows it.")],
    step: Annotated[bool, typer.Option("--step", help="Show flows and slots after each event.")] = False,
) -> None:
    """Fold a conversation's log again, step by step; exit 1 when it does not come to the stored state."""
    from config.replay import replay as run

    _run(_judged(run(conversation, step=step)))


@app.command("schema")
def schema_(
    file: Annotated[str, typer.Argument(help="flow, texts, assistant or test.")] = "flow",
    into: Annotated[Path | None, typer.Option(help="Write all four into this folder instead of printing one.")] = None,
    names: Annotated[
        bool, typer.Option("--names", help="Propose the names that the project of frontdesk.yaml declares.")
    ] = False,
) -> None:
    """Print the JSON Schema of a project's files, by which editors complete and check them."""
    from bot.errors import SettingsError
    from bot.flow.read import read
    from bot.flow.schema import FILES, Names
    from config.flow_schema import as_text, names_of, write_all
    from config.settings import read_settings

    def run() -> None:
        wanted = next((each for each in FILES if each == file), None)
        if wanted is None:
            raise SettingsError(f"there is a schema for {', '.join(FILES)}, none for {file!r}")
        known = names_of(read(read_settings().desk_file().flows)) if names else Names()
        if into is None:
            typer.echo(as_text(wanted, known), nl=False)
        else:
            typer.echo("\n".join(map(str, write_all(into, known))))

    _guarded(run)


@user.command("add")
def user_add(
    email: str,
    name: Annotated[str, typer.Option(help="Shown to customers when this agent takes over.")],
    role: Annotated[str, typer.Option(help="agent or admin")] = "agent",
) -> None:
    """Add a console account; the password is read from the terminal, or from standard input."""
    from config.accounts import add

    password = typer.prompt("Password", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    _run(add(email, name=name, role=role, password=password))


@user.command("list")
def user_list() -> None:
    """List console accounts."""
    from config.accounts import listing

    _run(listing())


@user.command("disable")
def user_disable(email: str) -> None:
    """End an account's sign-ins and refuse new ones."""
    from config.accounts import disable

    _run(disable(email))


@db.command("upgrade")
def db_upgrade() -> None:
    """Bring the database to this version's schema."""
    from bot.store.migrate import upgrade
    from config.settings import read_settings

    def run() -> None:
        upgrade(read_settings().database)
        typer.echo("the database has the tables of this version")

    _guarded(run)


@db.command("backup")
def db_backup(
    target: Path,
    replace: Annotated[bool, typer.Option("--replace", help="Put the copy in the place of an older one.")] = False,
) -> None:
    """Copy a SQLite database while it is in use, and check the copy; the files that are kept go beside it.

    PostgreSQL: use pg_dump, then copy the folder `files` of FRONTDESK_DATA.
    """
    from bot.files import copy_files
    from bot.store.backup import backup
    from config.settings import read_settings

    def run() -> None:
        settings = read_settings()
        backup(settings.sqlite_path(), target, replace=replace)
        files = target.with_name(f"{target.name}.files")
        number = copy_files(settings.files, files)
        beside = f"; {number} kept file{'s' if number > 1 else ''} in {files}" if number else ""
        typer.echo(f"copied to {target}, and the copy is sound{beside}")

    _guarded(run)


@channel.command("check")
def channel_check(name: Annotated[str, typer.Argument(help="The account's name in frontdesk.yaml.")]) -> None:
    """Ask the platform whether an account is set up rightly; exit 1 when something is to be changed."""
    from config.checkup import check

    _run(_judged(check(name)))


@channel.command("setup")
def channel_setup(name: Annotated[str, typer.Argument(help="The account's name in frontdesk.yaml.")]) -> None:
    """Set what can be set from here: webhook, commands; and say what is left to do."""
    from config.checkup import setup

    _run(_judged(setup(name)))


def main() -> None:
    app()


async def _judged(judge: Coroutine[Any, Any, bool]) -> None:
    """Exit 1 when it does not hold."""
    if not await judge:
        raise typer.Exit(1)


def _run(work: Coroutine[Any, Any, None]) -> None:
    def run() -> None:
        try:
            import uvloop
        except ImportError:  # Windows
            asyncio.run(work)
        else:
            uvloop.run(work)

    _guarded(run)


def _guarded(run: Any) -> None:
    """What is wrong with flows or settings is told in its own words, without a traceback."""
    try:
        run()
    except FlowErrors as errors:
        typer.echo("\n".join(map(str, errors.problems)), err=True)
        raise typer.Exit(1) from None
    except FrontdeskError as error:
        typer.echo(f"frontdesk: {error}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


if __name__ == "__main__":
    main()
