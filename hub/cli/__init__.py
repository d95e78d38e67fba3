"""The command line: each verb parses, calls one function, prints, and gives an exit status.

What a verb cannot do is one sentence on standard error and status 1. What a verb needs is imported when it runs, so
that `hub --help` is quick.
"""

import os
import sys
from contextlib import suppress
from datetime import date, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from hub.cli import access, access_log, clients, people, recomputation
from hub.cli.surroundings import aside, clock_of, current, data_dir_option, database, on, read_settings, server
from hub.errors import Unusable
from hub.interruption import interruption

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from hub.settings import Settings

STOPPED_BY_SIGNAL = 130


def main() -> NoReturn:
    """Run the verb that was asked for, and end the process with its status."""
    interruption.install()
    if not sys.stdout:
        # Started with `>&-`: Python then has none at all.
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for as long as we run
    if isinstance(sys.stdout, TextIOWrapper):
        # A terminal that has no Chinese must not stop an import after its work.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        status = cli.main(prog_name="hub", standalone_mode=False) or 0
    except click.ClickException as wrong:
        wrong.show()
        # Not click's 2, which says of an import that rows were rejected.
        status = 1
    except Unusable as reason:
        status = _complain(str(reason))
    except (KeyboardInterrupt, click.Abort):
        status = STOPPED_BY_SIGNAL
    except BrokenPipeError:
        # Whoever read our output has left; nothing must be said, not even at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    except Exception as reason:
        sentence = _sentence_for(reason)
        if sentence is None:
            raise
        status = _complain(sentence)
    sys.exit(status)


no_rate_limit_option = click.option(
    "--no-rate-limit", is_flag=True, help="Let a client spend and do as much as it likes; for measuring."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="credit-hub")
def cli() -> None:
    """A federated GraphQL hub for public credit information about businesses."""


@cli.command()
@click.option("--port", type=click.IntRange(0, 65_535), default=8000, show_default=True, help="0 takes any free port.")
@data_dir_option
@click.option(
    "--scale", type=click.IntRange(0, 10_000), default=1, show_default=True, help="Size of the synthetic world."
)
@click.option(
    "--now", metavar="TIME", help="When time in this demonstration begins, such as 2026-05-01T09:00 in Beijing."
)
@no_rate_limit_option
def demo(port: int, data_dir: Path | None, scale: int, now: str | None, *, no_rate_limit: bool) -> None:
    """Start everything on an embedded PostgreSQL, with a world to look at.

    Ctrl-C stops it; started again on the same directory, it goes on with the same data.
    """
    moment = None if now is None else _moment(now)
    with suppress(KeyboardInterrupt):
        from hub.demo import Demo

        settings = read_settings()
        if no_rate_limit:
            settings = settings.without_rate_limit()
        Demo(data_dir or settings.data_dir, port, scale, moment).run(settings, click.echo)
    click.echo("Stopped.")


@cli.command()
@click.option("--host", help="Address to serve at. [default: HUB_HOST or 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65_535), help="[default: HUB_PORT or 8000]")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes that serve. [default: HUB_WORKERS or 1]")
@data_dir_option
@no_rate_limit_option
def serve(
    host: str | None, port: int | None, workers: int | None, data_dir: Path | None, *, no_rate_limit: bool
) -> None:
    """Serve GraphQL until interrupted."""
    from dataclasses import replace

    from hub.serving import address_of, serve, take_port
    from hub.supervision import is_orphan, is_worker

    settings = read_settings()
    if no_rate_limit:
        settings = settings.without_rate_limit()
    count = 1 if is_worker() else workers or settings.workers
    asked = (host or settings.host, settings.port if port is None else port)
    listener = take_port(*asked, shared=is_worker())

    def say_where() -> None:
        click.echo(f"GraphQL is served at {address_of(listener)}/graphql until you press Ctrl-C.")

    async def started() -> None:
        say_where()

    with listener, server(data_dir) as (url, postgres), suppress(KeyboardInterrupt):

        async def watch() -> bool:
            if postgres is not None:
                await postgres.keep_alive()
            return not is_orphan()

        log_requests = True if settings.log_requests is None else settings.log_requests
        settings = replace(settings, database_url=url, log_requests=log_requests)
        if count == 1:
            serve(settings, clock_of(url), listener, started=started, watch=watch, say=click.echo)
        else:
            # Nobody else had the port, which is what was to be found out; now it is taken to be shared.
            place = listener.getsockname()[:2]
            listener.close()
            listener = take_port(*place, shared=True)
            with listener:
                _supervise(settings, count, (place[0], place[1]), say_where, watch, no_rate_limit=no_rate_limit)


def _supervise(
    settings: "Settings",
    count: int,
    place: tuple[str, int],
    started: "Callable[[], None]",
    watch: "Callable[[], Awaitable[bool]]",
    *,
    no_rate_limit: bool,
) -> None:
    """Keep so many processes that serve a port."""
    from hub.supervision import own_command, supervise

    host, port = place
    if settings.metrics_port:
        last = settings.metrics_port + count - 1
        if last > 65_535 or settings.metrics_port <= port <= last:
            raise Unusable(
                f"HUB_METRICS_PORT: each of {count} processes needs a port from {settings.metrics_port} on, up to"
                f" {last}, none above 65535 and none the served one, {port}."
            )
    command = [*own_command(), "serve", "--host", host, "--port", str(port)]
    if no_rate_limit:
        command.append("--no-rate-limit")

    def environment(number: int) -> dict[str, str]:
        given = {**os.environ, "HUB_DATABASE_URL": settings.database_url or ""}
        if settings.metrics_port:
            # A scraper asks each process: they count apart.
            given["HUB_METRICS_PORT"] = str(settings.metrics_port + number)
        return given

    supervise(count, command, environment, place, started=started, watch=watch, say=aside)


@cli.command()
@click.option(
    "--application-role",
    metavar="NAME",
    help="Grant this role what the hub needs to run, and nothing that undoes what was written."
    " [default: HUB_APPLICATION_ROLE, or none]",
)
@data_dir_option
def migrate(data_dir: Path | None, application_role: str | None) -> None:
    """Bring the database to this version's schema and fill the code tables."""
    from hub.interruption import run
    from hub.store.codes import load_code_tables
    from hub.store.engine import connect
    from hub.store.migration import migrate

    async def load(url: str) -> None:
        connection = await connect(url)
        try:
            await load_code_tables(connection)
        finally:
            await connection.close()

    with database(data_dir, make=True) as url:
        migrate(url)
        run(load(url))
        role = application_role or read_settings().application_role
        if role is not None:
            from hub.store.application_role import grant_to_application

            grant_to_application(url, role)
    click.echo("The database has this version's schema and code tables.")
    if role is not None:
        click.echo(f"The role {role} may do what the hub needs to run, and no more.")


@cli.command()
def rights() -> None:
    """Print who sees what: actor, table, state, and how each person's value is shown."""
    from hub.policy.rights import lines

    for line in lines():
        click.echo(line)


@cli.command()
@click.option("--check", is_flag=True, help="Only say whether the file is what the code says; status 1 if not.")
@click.option(
    "--file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("schema.graphql"),
    show_default=True,
    help="The file to check.",
)
def schema(*, check: bool, file: Path) -> None:
    """Print the GraphQL schema, or check the file that holds it."""
    from hub.schema import sdl

    printed = sdl().rstrip("\n")
    if not check:
        click.echo(printed)
        return
    try:
        written = file.read_text(encoding="utf-8")
    except OSError as reason:
        raise Unusable(f"{file} cannot be read: {reason.strerror}.") from None
    if written.rstrip("\n") != printed:
        raise Unusable(f"{file} is not what the code says; `hub schema > {file}` renews it.")


@cli.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--department", required=True, metavar="CODE", help="The department that submits the files.")
@click.option("--item", metavar="CODE", help="The catalogue item; not needed where the department has only one.")
@click.option("--dry-run", is_flag=True, help="Check and report; write nothing.")
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write what was found, row by row (.csv or .json).",
)
@data_dir_option
@click.pass_context
def import_(
    context: click.Context,
    *,
    files: tuple[Path, ...],
    department: str,
    item: str | None,
    dry_run: bool,
    report: Path | None,
    data_dir: Path | None,
) -> None:
    """Import double-publicity files (双公示): CSV, XLSX or JSON.

    Status 0: nothing was rejected. 2: some rows were. 1: a file could not be read at all.
    """
    from hub.domain.publicity import PublicityPolicy
    from hub.intake.run import run_import

    policy = PublicityPolicy.of(read_settings())
    with database(data_dir) as url:
        context.exit(run_import(url, clock_of(url), files, department, item, dry_run, report, policy=policy))


@cli.command()
@click.option("--subjects", type=click.IntRange(min=1), default=2_000, show_default=True)
@click.option("--records", type=click.IntRange(min=0), default=10_000, show_default=True)
@data_dir_option
def seed(subjects: int, records: int, data_dir: Path | None) -> None:
    """Fill the database with a synthetic world, the same every time."""
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    from hub.interruption import run
    from hub.seed import seed

    with database(data_dir) as url:
        columns = (*Progress.get_default_columns()[:-1], MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns) as bars:
            bar = bars.add_task("Records", total=records)

            def progress(written: int, in_all: int) -> None:
                bars.update(bar, completed=written, total=in_all)

            run(seed(url, clock_of(url), subjects=subjects, records=records, progress=progress))
    click.echo(f"The database has {subjects:,} subjects and {records:,} records more.")


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--operation", metavar="NAME", help="Which one, where the file has several.")
@click.option("--variables", metavar="JSON", default="{}", help="The operation's variables, as a JSON object.")
@click.option("--analyze", is_flag=True, help="Let PostgreSQL measure instead of estimate.")
@click.option("--as", "client", metavar="CLIENT", help="Ask as this client. [default: as a caller without a token]")
@click.option("--purpose", metavar="CODE", help="What the client wants the data for, as in Hub-Purpose.")
@data_dir_option
def explain(file: Path, *, operation: str | None, variables: str, data_dir: Path | None, **said: Any) -> None:
    """Print plan, SQL and PostgreSQL's EXPLAIN of the query in FILE.

    A client asks with its department, its grants and every scope that it may have today.
    """
    import json

    from hub.explain import Question, explain
    from hub.interruption import run

    text = _text_of(file)
    try:
        given = json.loads(variables)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise Unusable("--variables must be a JSON object.")
    settings = read_settings()
    question = Question(text, operation, given, **said)
    with database(data_dir) as url:
        lines = run(explain(url, question, clock_of(url), settings))
    click.echo("\n".join(lines))


for group in (clients.client, clients.keys, people.user, access.grant, access.delegate, access_log.access_log):
    cli.add_command(group)
cli.add_command(recomputation.recompute_publication)


client_option = click.option(
    "--client", default="anonymous", show_default=True, metavar="ID", help="Whose; callers without a token: anonymous."
)


@cli.group()
def documents() -> None:
    """Registered ("trusted") GraphQL documents."""


@documents.command("register")
@click.argument("file", type=click.Path(path_type=Path))
@client_option
@data_dir_option
def register_documents(file: Path, client: str, data_dir: Path | None) -> None:
    """Register the document in FILE for a client, and print its identifier."""
    from hub.commands.documents import check_client, register_document
    from hub.query.execute import Engine
    from hub.query.refusals import Refused
    from hub.schema import build, sdl

    settings = read_settings()
    text = _text_of(file)
    try:
        Engine(build()[1], sdl(), settings.limits).document(text)
    except Refused as refused:
        told = "; ".join(error.message for error in refused.errors)
        raise Unusable(f"{file} is no document of this schema: {told}") from None
    with database(data_dir) as url:
        clock = clock_of(current(url))
        if settings.issuer is None:  # another issuer's clients are not known here
            on(url, lambda connection: check_client(connection, client))
        click.echo(on(url, lambda connection: register_document(connection, clock, client, text)))


@documents.command("restrict")
@client_option
@click.option("--off", is_flag=True, help="Let it use any document again.")
@data_dir_option
def restrict_documents(client: str, data_dir: Path | None, *, off: bool) -> None:
    """Let a client use the documents registered for it and no others."""
    from hub.commands.documents import check_client, restrict_client

    with database(data_dir) as url:
        if read_settings().issuer is None:
            on(current(url), lambda connection: check_client(connection, client))
        on(current(url), lambda connection: restrict_client(connection, client, registered_only=not off))
    click.echo(f"{client} may use {'any document' if off else 'registered documents only'}.")


def _text_of(file: Path) -> str:
    try:
        # As it is, line ends too: an identifier is the hash of these bytes, and whoever sends the file sends them.
        return file.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise Unusable(f"There is no file {file}.") from None
    except IsADirectoryError:
        raise Unusable(f"{file} is a directory; name a file.") from None
    except (OSError, UnicodeDecodeError):
        raise Unusable(f"{file} cannot be read as a text in UTF-8.") from None


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter("is not a time such as 2026-05-01T09:00.", param_hint="--now") from None
    # The demonstration's catalogue is that of 2024, in force from June.
    if not date(2024, 6, 1) <= moment.date() <= date(2100, 12, 31):
        raise click.BadParameter("must be between 2024-06-01 and 2100-12-31.", param_hint="--now")
    return moment


def _complain(sentence: str) -> int:
    click.echo(f"hub: {sentence}", err=True)
    return 1


def _sentence_for(reason: Exception) -> str | None:
    """What the person at the terminal can mend; None for a fault of ours, which keeps its traceback."""
    import errno

    # What a driver says of a lost connection depends on what it was doing; what it was told of stands behind that.
    chain = list(_with_what_led_to_it(reason))
    states = [getattr(one, "sqlstate", None) or "" for one in chain]
    if "53100" in states or any(getattr(one, "errno", None) in (errno.ENOSPC, errno.EDQUOT) for one in chain):
        return "The disk is full; nothing that was not committed is kept."
    if any(state.startswith(("08", "57P")) for state in states) or any(map(_is_of_a_lost_connection, chain)):
        return "The connection to the database was lost; run the command again."
    return None


def _with_what_led_to_it(reason: BaseException) -> "Iterator[BaseException]":
    one: BaseException | None = reason
    while one is not None:
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def _is_of_a_lost_connection(reason: BaseException) -> bool:
    if isinstance(reason, ConnectionError):
        return True
    import asyncpg
    import psycopg

    if isinstance(reason, psycopg.OperationalError):
        return reason.sqlstate is None  # with a state it is PostgreSQL that complains; without one it is not there
    # The second: the driver was in the middle of something.
    return (isinstance(reason, asyncpg.InterfaceError) and "closed" in str(reason)) or (
        isinstance(reason, asyncpg.InternalClientError) and "in progress" in str(reason)
    )
