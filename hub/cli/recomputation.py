"""`hub recompute-publication`: ends running publications earlier, where a later rule says so."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hub.cli.listing import show
from hub.cli.surroundings import clock_of, data_dir_option, database, on, read_settings
from hub.errors import Unusable

if TYPE_CHECKING:
    from asyncpg import Connection

    from hub.commands.recomputation import Account


@click.command("recompute-publication")
@click.option("--by", metavar="CODE", help="The department that orders it; not needed for a dry run.")
@click.option("--department", "departments", multiple=True, metavar="CODE", help="Decided by it; may be repeated.")
@click.option("--item", "items", multiple=True, metavar="CODE", help="Of this catalogue item; may be repeated.")
@click.option("--regime", metavar="VERSION", help="Whose end was computed under it, such as ORDER_58.")
@click.option("--dry-run", is_flag=True, help="Only say what would be cut.")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@data_dir_option
def recompute_publication(
    by: str | None,
    departments: tuple[str, ...],
    items: tuple[str, ...],
    regime: str | None,
    data_dir: Path | None,
    *,
    dry_run: bool,
    yes: bool,
) -> None:
    """Cut running publications that end earlier by the regimes in force since their decision; never prolong one.

    What is killed is run again; what is done is found done. Each run and each cut are in the hub's log.
    """
    from rich.console import Console

    from hub.commands.recomputation import Chosen, recompute
    from hub.domain.publicity import PublicityPolicy

    if by is None and not dry_run:
        raise click.UsageError("Name the department that orders it with --by, or give --dry-run.")
    policy = PublicityPolicy.of(read_settings())
    chosen = Chosen(departments, items, regime)

    with database(data_dir) as url, Console(stderr=True).status("Looking") as status:
        clock = clock_of(url)

        def account(by: str | None) -> "Account":
            async def done(connection: "Connection") -> "Account":
                return await recompute(
                    connection, clock, policy, chosen, by=by, progress=lambda seen: status.update(f"{seen:,} looked at")
                )

            return on(url, done)

        if dry_run or not yes:
            found = account(None)
            status.stop()
            _show(found, done=False)
            if dry_run or not found.total:
                return
            if not sys.stdin.isatty():
                raise Unusable("There is no terminal to ask at; give --yes, or --dry-run.")
            click.confirm("Cut them?", abort=True)
            status.start()
        found = account(by)
        status.stop()
        _show(found, done=True)


def _show(account: "Account", *, done: bool) -> None:
    from hub.query.ids import encode_id
    from hub.store.labels import Cut

    groups: dict[tuple[str, ...], dict[Cut, int]] = {}
    for (*about, outcome), count in sorted(account.changes.items()):
        groups.setdefault(tuple(about), {})[outcome] = count
    rows = [(*about, *(f"{counts.get(outcome, 0):,}" for outcome in Cut)) for about, counts in groups.items()]
    if rows:
        columns = ("item", "department", "rule_before", "rule_now", *(outcome.lower() for outcome in Cut))
        show(columns, rows, as_json=False)
        click.echo()
        examples = [
            (
                encode_id("R", one.row["subject_id"], one.row["id"]), one.row["item_code"], one.row["decided_on"],
                one.row["public_until"], one.until, one.outcome.lower(),
            )
            for one in account.examples
        ]  # fmt: skip
        show(("record", "item", "decided_on", "until_before", "until_now", "outcome"), examples, as_json=False)
        click.echo()
    if account.left_listed:
        click.echo(f"{account.left_listed:,} are left: their subjects are listed as seriously dishonest.")
    verb = "were" if done else "would be"
    click.echo(f"{account.looked_at:,} running publications were looked at; {account.total:,} {verb} cut.")
