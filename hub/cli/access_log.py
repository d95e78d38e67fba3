"""`hub access-log`: the access log (查询日志) for auditors and operators."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TextIO

import click

from hub.cli.days import DAY
from hub.cli.listing import json_option, show
from hub.cli.surroundings import clock_of, data_dir_option, database, on, read_settings
from hub.errors import Unusable

ALERTS = """
    select a.at, a.client_id, a.day, lower(a.measure), a.seen, a.usual,
        case a.measure when 'VOLUME' then d.answers else d.subjects end
    from reading_alerts a left join reading_days d using (client_id, day)
    order by a.at, a.id
"""


@click.group("access-log")
def access_log() -> None:
    """The access log (查询日志): who saw more than is public, of whom, and what for."""


@access_log.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.option(
    "--from", "since", type=DAY, metavar="DAY", help="The first day, in Beijing. [default: the first there is]"
)
@click.option("--to", "until", type=DAY, metavar="DAY", help="The last day. [default: the last there is]")
@click.option("--client", metavar="ID", help="What this client saw.")
@click.option("--subject", "uscc", metavar="USCC", help="What was seen of this subject.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "json"]),
    help="[default: as FILE's ending says; csv for - and others]",
)
@data_dir_option
def export(
    file: Path,
    *,
    since: datetime | None,
    until: datetime | None,
    client: str | None,
    uscc: str | None,
    form: str | None,
    data_dir: Path | None,
) -> None:
    """Write the log to FILE, or to standard output for -."""
    from asyncpg import Connection
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    from hub.commands.access_log_export import Chosen, known_client, subject_of
    from hub.commands.access_log_export import export as write
    from hub.domain.uscc import tidy_code

    if since is not None and until is not None and until < since:
        raise click.BadParameter("must not be before --from.", param_hint="--to")
    as_json = form == "json" or (form is None and file.suffix.lower() == ".json")
    # On standard error, and only where somebody looks: standard output may be the file.
    bars = Progress(
        *Progress.get_default_columns()[:-1], MofNCompleteColumn(), TimeRemainingColumn(), console=Console(stderr=True)
    )
    with database(data_dir) as url, _opened(file) as sink, bars:
        bar = bars.add_task("Entries", total=None)

        async def written(connection: Connection) -> int:
            chosen = Chosen(
                None if since is None else since.date(),
                None if until is None else until.date(),
                None if client is None else await known_client(connection, client),
                None if uscc is None else await subject_of(connection, tidy_code(uscc)),
            )
            return await write(
                connection,
                chosen,
                sink,
                as_json=as_json,
                progress=lambda done, in_all: bars.update(bar, completed=done, total=in_all),
            )

        entries = on(url, written)
    click.echo(f"{entries:,} entries were written.", err=True)


@access_log.command("expire")
@click.option("--dry-run", is_flag=True, help="Only say which months would go.")
@data_dir_option
def expire(data_dir: Path | None, *, dry_run: bool) -> None:
    """Drop the months that are older than HUB_ACCESS_LOG_YEARS (5, and never less); the owner's work."""
    from hub.commands.expiry import expire as drop

    years = read_settings().access_log_years
    with database(data_dir) as url:
        clock = clock_of(url)
        dropped = on(url, lambda connection: drop(connection, clock, years, dry_run=dry_run))
    for month in dropped:
        click.echo(f"{month.month}: {month.entries:,} entries {'would be' if dry_run else 'were'} dropped.")
    if not dropped:
        click.echo(f"No month is older than {years} years.")


@access_log.command("alerts")
@json_option
@data_dir_option
def alerts(data_dir: Path | None, *, as_json: bool) -> None:
    """Show when a client read far more than it usually does.

    `seen` is the count when it was noticed, `day_total` that of the whole day once it was over.
    """
    with database(data_dir) as url:
        found = on(url, lambda connection: connection.fetch(ALERTS))
    columns = ("noticed_at", "client", "day", "measure", "seen", "usual", "day_total")
    show(columns, [tuple(row) for row in found], as_json=as_json)


@contextmanager
def _opened(file: Path) -> Iterator[TextIO]:
    """The file, readable by its owner alone; it has its name once it is whole, and otherwise there is none.

    A pipe or a device (`/dev/stdout`) is written to as it is: a file in its place would take it away from all others.
    """
    if str(file) == "-" or _is_stdout(file):
        sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
        yield sys.stdout
        sys.stdout.flush()
        return
    if not file.name:
        raise Unusable("FILE must be the name of a file, or -.")
    if file.exists() and not file.is_file():
        try:
            stream = file.open("w", encoding="utf-8", newline="")
        except OSError as reason:
            raise Unusable(f"{file} cannot be written: {reason.strerror}.") from None
        with stream:
            yield stream
        return
    draft = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as reason:
        raise Unusable(f"{file} cannot be written: {reason.strerror}.") from None
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as opened:
            yield opened
            opened.flush()
            os.fsync(opened.fileno())
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def _is_stdout(file: Path) -> bool:
    """Whether that is our standard output by a name such as `/dev/stdout`, be it a plain file or not."""
    try:
        return os.path.samestat(file.stat(), os.fstat(sys.stdout.fileno()))
    except (OSError, ValueError):
        return False
