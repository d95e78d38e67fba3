"""`hub client` and `hub keys`: OAuth's clients, and the keys that sign the hub's tokens."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from hub.cli.listing import json_option, show
from hub.cli.surroundings import clock_of, data_dir_option, database, on, read_settings
from hub.errors import Unusable

# The words of ClientKind and ClientAuthentication, written out: importing them would import every table.
KINDS = (
    "agency", "supplier", "association", "credit-service", "public-site", "developer", "representative", "auditor",
)  # fmt: skip
METHODS = ("private_key_jwt", "secret", "none")
PROOF = (
    click.option(
        "--jwks", type=click.Path(path_type=Path, dir_okay=False), help="File with its public keys: a JWKS or a JWK."
    ),
    click.option("--jwks-uri", metavar="URL", help="Where it publishes its public keys; https only."),
    click.option(
        "--generate-key",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Make a key pair: the private JWK goes to FILE, readable by you alone; the public half is registered.",
    ),
)


@click.group()
def client() -> None:
    """Clients of the hub (OAuth): what they are and what they may ask for."""


@client.command("create")
@click.option("--name", required=True, help="What people call it.")
@click.option("--kind", type=click.Choice(KINDS), default="agency", show_default=True)
@click.option("--id", "client_id", metavar="ID", help="Its client_id. [default: chosen by the hub]")
@click.option("--department", metavar="CODE", help="The department that it belongs to.")
@click.option("--uscc", metavar="CODE", help="Of a representative: its subject's credit code.")
@click.option(
    "--auth",
    type=click.Choice(METHODS),
    default="private_key_jwt",
    show_default=True,
    help="How it proves itself; none is a public client, with PKCE.",
)
@PROOF[0]
@PROOF[1]
@PROOF[2]
@click.option(
    "--grant-type", "grant_types", multiple=True, help="May be repeated. [default: what fits the way it proves itself]"
)
@click.option(
    "--redirect-uri",
    "redirect_uris",
    multiple=True,
    metavar="URL",
    help="Where people come back to; exact, may be repeated.",
)
@click.option(
    "--scope", "scopes", multiple=True, help="What it may ask for, such as samr/records:read; may be repeated."
)
@click.option(
    "--purpose", "purposes", multiple=True, help="What it may want data for, such as tender; may be repeated."
)
@data_dir_option
def create_client(data_dir: Path | None, kind: str, auth: str, grant_types: tuple[str, ...], **said: Any) -> None:
    """Register a client. Its secret, where it has one, is shown once."""
    from hub.identity import clients
    from hub.store.labels import ClientAuthentication, ClientKind

    key_file: Path | None = said.pop("generate_key")
    signs_in = bool(said["redirect_uris"])
    default = (clients.AUTHORIZATION_CODE, clients.REFRESH_TOKEN) if signs_in else (clients.CLIENT_CREDENTIALS,)
    purposes = read_settings().purposes
    with database(data_dir) as url, _proof(said.pop("jwks"), key_file) as keys:
        clock = clock_of(url)
        new = clients.NewClient(
            **said,
            kind=ClientKind(kind.upper().replace("-", "_")),
            auth_method=ClientAuthentication(auth.upper()),
            jwks=keys,
            grant_types=grant_types or default,
        )
        made = on(url, lambda connection: clients.create_client(connection, clock, new, purposes=purposes))
    click.echo(f"client_id: {made.client_id}")
    if made.secret is not None:
        click.echo(f"client_secret: {made.secret}")
        click.echo("The secret is not shown again.", err=True)
    if key_file is not None:
        click.echo(f"private_key: {key_file}")


@client.command("rotate")
@click.argument("client_id")
@PROOF[0]
@PROOF[1]
@PROOF[2]
@data_dir_option
def rotate_client(
    client_id: str, jwks: Path | None, jwks_uri: str | None, generate_key: Path | None, data_dir: Path | None
) -> None:
    """Give a client a new secret, or new public keys; the old ones are good no more."""
    from hub.identity import clients

    with database(data_dir) as url, _proof(jwks, generate_key) as keys:
        clock = clock_of(url)
        secret = on(
            url,
            lambda connection: clients.rotate_client(connection, clock, client_id, keys=keys, jwks_uri=jwks_uri),
        )
    if secret is not None:
        click.echo(f"client_secret: {secret}")
        click.echo("The secret is not shown again.", err=True)
    else:
        click.echo(f"{client_id} proves itself by its new keys from now on.")


@client.command("disable")
@click.argument("client_id")
@data_dir_option
def disable_client(client_id: str, data_dir: Path | None) -> None:
    """Stop a client at once, its tokens too."""
    _set_disabled(client_id, data_dir, disabled=True)


@client.command("enable")
@click.argument("client_id")
@data_dir_option
def enable_client(client_id: str, data_dir: Path | None) -> None:
    """Let a disabled client work again."""
    _set_disabled(client_id, data_dir, disabled=False)


@client.command("list")
@json_option
@data_dir_option
def list_clients(data_dir: Path | None, *, as_json: bool) -> None:
    """Show all clients, and nothing by which they prove themselves."""
    from hub.identity import clients

    columns = (
        "client_id", "name", "kind", "department", "uscc", "auth", "grant_types", "scopes", "purposes",
        "redirect_uris", "disabled_at",
    )  # fmt: skip
    with database(data_dir) as url:
        found = on(url, clients.list_clients)
    rows = [
        (
            one.client_id, one.name, one.kind.value, one.department, one.uscc, one.auth_method.value.lower(),
            one.grant_types, one.scopes, one.purposes, one.redirect_uris, one.disabled_at,
        )
        for one in found
    ]  # fmt: skip
    show(columns, rows, as_json=as_json)


@click.group()
def keys() -> None:
    """The keys that sign the hub's tokens."""


@keys.command("rotate")
@click.option("--revoke", is_flag=True, help="After a leak: tokens signed by the old keys are good no more.")
@data_dir_option
def rotate_keys(data_dir: Path | None, *, revoke: bool) -> None:
    """Sign with a new key from now on; old ones verify until the last token they signed has expired."""
    from hub.identity import keys as signing

    with database(data_dir) as url:
        clock = clock_of(url)
        kid = on(url, lambda connection: signing.rotate(connection, clock, revoke=revoke))
    click.echo(f"{kid} signs from now on.")


@keys.command("list")
@json_option
@data_dir_option
def list_keys(data_dir: Path | None, *, as_json: bool) -> None:
    """Show all keys that are kept, the newest first."""
    from hub.identity import keys as signing

    with database(data_dir) as url:
        found = on(url, signing.listed)
    rows = [(line.kid, line.created_at, line.retired_at, line.published_until) for line in found]
    show(("kid", "created_at", "retired_at", "published_until"), rows, as_json=as_json)


def _set_disabled(client_id: str, data_dir: Path | None, *, disabled: bool) -> None:
    from hub.identity import clients

    with database(data_dir) as url:
        clock = clock_of(url)
        changed = on(url, lambda connection: clients.set_disabled(connection, clock, client_id, disabled=disabled))
    word = "disabled" if disabled else "enabled"
    click.echo(f"{client_id} is {word}." if changed else f"{client_id} was {word} already.")


@contextmanager
def _proof(jwks: Path | None, generate: Path | None) -> Iterator[Any]:
    """The public keys to register; a private one that is made for it is taken away again if registering fails."""
    if jwks is not None and generate is not None:
        raise Unusable("Give either --jwks or --generate-key.")
    if generate is not None:
        from hub.identity.jwks import new_pair

        private, public = new_pair()
        _write_private(generate, json.dumps(private, indent=2) + "\n")
        try:
            yield public
        except BaseException:
            generate.unlink(missing_ok=True)
            raise
    elif jwks is not None:
        try:
            document = json.loads(jwks.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            raise Unusable(f"{jwks} cannot be read as JSON.") from None
        yield document
    else:
        yield None


def _write_private(file: Path, text: str) -> None:
    """A file that its owner alone may read, and that was not there before: an older key must not be lost."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Unusable(f"{file} is there already; give another file for the new key.") from None
    except OSError as reason:
        raise Unusable(f"{file} cannot be written: {reason.strerror}.") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
