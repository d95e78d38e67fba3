"""`hub user`: people who sign in."""

import sys
from pathlib import Path
from typing import Any

import click

from hub.cli.listing import json_option, show
from hub.cli.surroundings import clock_of, data_dir_option, database, on, read_settings
from hub.errors import Unusable

password_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input; else it is asked for."
)


@click.group()
def user() -> None:
    """People who sign in, each for a department."""


@user.command("create")
@click.argument("username")
@click.option("--name", required=True, help="The person's name.")
@click.option("--department", required=True, metavar="CODE", help="The department that it belongs to.")
@click.option("--scope", "scopes", multiple=True, help="What it may ask for, such as records:read; may be repeated.")
@click.option(
    "--purpose", "purposes", multiple=True, help="What it may want data for, such as tender; may be repeated."
)
@password_option
@data_dir_option
def create_user(data_dir: Path | None, *, password_stdin: bool, **said: Any) -> None:
    """Register a person."""
    from hub.identity import users

    new = users.NewUser(**said, password=_password(stdin=password_stdin))
    purposes = read_settings().purposes
    with database(data_dir) as url:
        clock = clock_of(url)
        on(url, lambda connection: users.create_user(connection, clock, new, purposes=purposes))
    click.echo(f"{new.username} may sign in.")


@user.command("password")
@click.argument("username")
@password_option
@data_dir_option
def set_password(username: str, data_dir: Path | None, *, password_stdin: bool) -> None:
    """Give a person another password; whatever it had signed in for ends."""
    from hub.identity import users

    password = _password(stdin=password_stdin)
    with database(data_dir) as url:
        clock = clock_of(url)
        on(url, lambda connection: users.set_password(connection, clock, username, password))
    click.echo(f"{username} has another password.")


@user.command("totp")
@click.argument("username")
@click.option("--off", is_flag=True, help="Ask for no one-time codes any more.")
@data_dir_option
def set_totp(username: str, data_dir: Path | None, *, off: bool) -> None:
    """Ask a person for one-time codes; the secret for its app is shown once, and whatever it had signed in for ends."""
    from hub.identity import totp, users

    with database(data_dir) as url:
        clock = clock_of(url)
        secret = on(url, lambda connection: users.set_totp(connection, clock, username, wanted=not off))
    if secret is None:
        click.echo(f"{username} signs in by password alone.")
        return
    click.echo(f"secret: {secret}")
    click.echo(f"uri: {totp.uri(secret, username)}")
    click.echo("The secret is not shown again.", err=True)


@user.command("disable")
@click.argument("username")
@data_dir_option
def disable_user(username: str, data_dir: Path | None) -> None:
    """Stop a person at once, its sessions and tokens too."""
    _set_disabled(username, data_dir, disabled=True)


@user.command("enable")
@click.argument("username")
@data_dir_option
def enable_user(username: str, data_dir: Path | None) -> None:
    """Let a disabled person sign in again."""
    _set_disabled(username, data_dir, disabled=False)


@user.command("list")
@json_option
@data_dir_option
def list_users(data_dir: Path | None, *, as_json: bool) -> None:
    """Show all people, and nothing by which they prove themselves."""
    from hub.identity import users

    with database(data_dir) as url:
        found = on(url, users.list_users)
    columns = ("username", "name", "department", "scopes", "purposes", "totp", "disabled_at")
    rows = [
        (one.username, one.name, one.department, one.scopes, one.purposes, one.has_totp, one.disabled_at)
        for one in found
    ]
    show(columns, rows, as_json=as_json)


def _set_disabled(username: str, data_dir: Path | None, *, disabled: bool) -> None:
    from hub.identity import users

    with database(data_dir) as url:
        clock = clock_of(url)
        changed = on(url, lambda connection: users.set_user_disabled(connection, clock, username, disabled=disabled))
    word = "disabled" if disabled else "enabled"
    click.echo(f"{username} is {word}." if changed else f"{username} was {word} already.")


def _password(*, stdin: bool) -> str:
    """Never an argument: a list of processes shows those to everybody."""
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise Unusable("There is no terminal to ask for the password at; give --password-stdin.")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password
