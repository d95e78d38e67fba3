"""`hub grant` and `hub delegate`: what departments open to each other, and for whom suppliers act."""

import getpass
import os
import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from hub.cli.days import DAY
from hub.cli.listing import json_option, show
from hub.cli.surroundings import clock_of, data_dir_option, database, on, read_settings
from hub.errors import Unusable

# As many as `hub.commands.grants.REASON_CHARACTERS_MAX`; a test holds them together, since commands load slowly.
RECORDED_CHARACTERS_MAX = 500
# More than a line, and what a terminal could not decode, which no database holds.
UNFIT = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
TERM = (
    click.option("--from", "since", type=DAY, metavar="DAY", help="The first day. [default: today in Beijing]"),
    click.option("--until", type=DAY, metavar="DAY", help="The last day. [default: without end]"),
)
REVOKED = ("revoked_at", "revoked_by", "reason")
GRANTS = """
    select g.id, o.code as owner, r.code as grantee, g.item_codes, g.purposes, g.valid_from, g.valid_until,
        g.revoked_at, g.revoked_by, case when g.revoked_at is not null then g.change_reason end
    from grants g join departments o on o.id = g.owner_id join departments r on r.id = g.grantee_id order by g.id
"""


def _recorded(_: click.Context, parameter: click.Parameter, given: str | None) -> str | None:
    """A text that is kept: it says something, and is bounded.

    Raises click.BadParameter.
    """
    if given is None:
        return None
    text = given.strip()
    if not text or UNFIT.search(text) or len(text) > RECORDED_CHARACTERS_MAX:
        raise click.BadParameter(f"must be one line of 1 to {RECORDED_CHARACTERS_MAX} characters.", param=parameter)
    return text


ENDING = (
    click.option("--reason", required=True, callback=_recorded, help="Why, for the record."),
    click.option(
        "--by", metavar="NAME", callback=_recorded, help="Who ends it, for the record. [default: your account's name]"
    ),
)


@click.group()
def grant() -> None:
    """Grants: what a department opens of its own to another one, for purposes and a term."""


@grant.command("create")
@click.option("--owner", required=True, metavar="CODE", help="The department whose data it is.")
@click.option("--to", "grantee", required=True, metavar="CODE", help="The department that may read it.")
@click.option(
    "--item", "items", required=True, multiple=True, metavar="CODE", help="A catalogue item; may be repeated."
)
@click.option("--purpose", "purposes", required=True, multiple=True, help="What for; may be repeated.")
@TERM[0]
@TERM[1]
@data_dir_option
def create_grant(since: datetime | None, until: datetime | None, data_dir: Path | None, **said: Any) -> None:
    """Let a department read another one's items that are shared on conditions."""
    from asyncpg import Connection

    from hub.commands.grants import Outcome, Terms, grant_access

    terms = Terms(**said, since=_day(since), until=_day(until))
    known = read_settings().purposes
    with database(data_dir) as url:
        clock = clock_of(url)

        async def made(connection: Connection) -> Outcome:
            async with connection.transaction():
                return await grant_access(connection, clock, terms, known_purposes=known)

        outcome = on(url, made)
    if outcome.problems:
        told = "; ".join(f"{problem.message.rstrip('.')} ({'.'.join(problem.path)})" for problem in outcome.problems)
        raise Unusable(f"The grant cannot be created: {told}.")
    click.echo(f"grant: {outcome.grant_id}")


@grant.command("revoke")
@click.argument("grant_id", type=click.IntRange(min=1, max=2**31 - 1))
@ENDING[0]
@ENDING[1]
@data_dir_option
def revoke_grant(grant_id: int, reason: str, by: str | None, data_dir: Path | None) -> None:
    """End a grant at once; who does, and why, is kept with it."""
    from asyncpg import Connection

    from hub.commands.grants import Outcome, revoke_access

    with database(data_dir) as url:
        clock = clock_of(url)

        async def revoked(connection: Connection) -> Outcome:
            async with connection.transaction():
                return await revoke_access(connection, clock, grant_id, revoked_by=_operator(by), reason=reason)

        outcome = on(url, revoked)
    codes = [problem.code for problem in outcome.problems]
    if "UNKNOWN_GRANT" in codes:
        raise Unusable(f"There is no grant {grant_id}; `hub grant list` shows those there are.")
    _tell("Grant", grant_id, stood="ALREADY_REVOKED" not in codes)


@grant.command("list")
@json_option
@data_dir_option
def list_grants(data_dir: Path | None, *, as_json: bool) -> None:
    """Show all grants, revoked ones too."""
    with database(data_dir) as url:
        found = on(url, lambda connection: connection.fetch(GRANTS))
    columns = ("id", "owner", "grantee", "items", "purposes", "from", "until", *REVOKED)
    show(columns, [tuple(row) for row in found], as_json=as_json)


@click.group()
def delegate() -> None:
    """Delegations: a supplier's client acts for a department, for a term."""


@delegate.command("create")
@click.option("--client", "client_id", required=True, metavar="ID", help="The supplier's client.")
@click.option("--department", required=True, metavar="CODE", help="The department that it acts for.")
@click.option("--scope", "scopes", required=True, multiple=True, help="What it may do for it; may be repeated.")
@click.option("--purpose", "purposes", multiple=True, help="What for; may be repeated.")
@TERM[0]
@TERM[1]
@data_dir_option
def create_delegation(since: datetime | None, until: datetime | None, data_dir: Path | None, **said: Any) -> None:
    """Let a supplier act for a department."""
    from hub.identity import delegations

    new = delegations.NewDelegation(**said, valid_from=_day(since), valid_until=_day(until))
    purposes = read_settings().purposes
    with database(data_dir) as url:
        clock = clock_of(url)
        made = on(url, lambda connection: delegations.create_delegation(connection, clock, new, purposes=purposes))
    click.echo(f"delegation: {made}")


@delegate.command("revoke")
@click.argument("delegation_id", type=click.IntRange(min=1, max=2**31 - 1))
@ENDING[0]
@ENDING[1]
@data_dir_option
def revoke_delegation(delegation_id: int, reason: str, by: str | None, data_dir: Path | None) -> None:
    """End a delegation at once; who does, and why, is kept with it."""
    from hub.identity import delegations

    with database(data_dir) as url:
        clock = clock_of(url)
        stood = on(
            url,
            lambda connection: delegations.revoke_delegation(
                connection, clock, delegation_id, revoked_by=_operator(by), reason=reason
            ),
        )
    _tell("Delegation", delegation_id, stood=stood)


@delegate.command("list")
@json_option
@data_dir_option
def list_delegations(data_dir: Path | None, *, as_json: bool) -> None:
    """Show all delegations, revoked ones too."""
    from hub.identity import delegations

    with database(data_dir) as url:
        found = on(url, delegations.list_delegations)
    columns = ("id", "client_id", "department", "scopes", "purposes", "from", "until", *REVOKED)
    rows = [
        (
            one.id,
            one.client_id,
            one.department,
            one.scopes,
            one.purposes,
            one.valid_from,
            one.valid_until,
            one.revoked_at,
            one.revoked_by,
            one.revoke_reason,
        )
        for one in found
    ]
    show(columns, rows, as_json=as_json)


def _operator(name: str | None) -> str:
    """Who runs the command, as it is kept: by the name given, else the account's; some containers have no such name."""
    if name is None:
        try:
            name = getpass.getuser()
        except (KeyError, OSError, ImportError):
            name = f"uid {os.getuid()}"
    return f"operator {name}"


def _tell(what: str, number: int, *, stood: bool) -> None:
    click.echo(f"{what} {number} {'is' if stood else 'was'} revoked{'' if stood else ' already'}.")


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()
