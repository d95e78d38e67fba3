"""An operator registers clients and people, grants and delegates, from the command line; secrets are shown once."""

import asyncio
import getpass
import json
import stat
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import asyncpg
import pytest

from hub import cli
from hub.cli import clients as client_verbs
from hub.commands.grants import REASON_CHARACTERS_MAX
from hub.identity import clients, jwks
from hub.interruption import Interruption
from hub.store.engine import connect
from hub.store.labels import ClientAuthentication, ClientKind
from tests import make
from tests.identity import acting

Run = Callable[..., str]


@pytest.fixture(autouse=True)
async def laid(connection: asyncpg.Connection) -> None:
    await acting.lay_world(connection)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, database: str) -> Run:
    """Runs a command line in this process: what it printed, or what it complained of."""
    monkeypatch.setattr(Interruption, "install", lambda _: None)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HUB_DATABASE_URL", database)

    def run(*arguments: str, stdin: str = "", fails: bool = False) -> str:
        monkeypatch.setattr(sys, "argv", ["hub", *arguments])
        monkeypatch.setattr(sys, "stdin", StringIO(stdin))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        assert (str(ended.value.code) != "0") is fails, said
        return said.err if fails else said.out

    return run


def lines(said: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in said.splitlines()]


async def asked(database: str, statement: str) -> object:
    connection = await connect(database)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


def test_the_words_are_those_of_the_hub() -> None:
    assert [word.upper().replace("-", "_") for word in client_verbs.KINDS] == list(ClientKind)
    assert [word.upper() for word in client_verbs.METHODS] == list(ClientAuthentication)


def test_an_agency_gets_a_key_pair_whose_private_half_is_its_alone(hub: Run, tmp_path: Path) -> None:
    create = (
        "client",
        "create",
        "--name",
        "应急管理部",
        "--department",
        "mem",
        "--id",
        "mem",
        "--generate-key",
        "mem.jwk",
    )
    said = hub(*create, "--scope", "records:read", "--scope", "samr/records:read", "--purpose", "tender")
    key = json.loads((tmp_path / "mem.jwk").read_text())

    assert said.splitlines() == ["client_id: mem", "private_key: mem.jwk"]
    assert stat.S_IMODE((tmp_path / "mem.jwk").stat().st_mode) == 0o600
    assert key["d"]
    (line,) = lines(hub("client", "list", "--json"))
    assert line["auth"] == "private_key_jwt"
    assert line["grant_types"] == ["client_credentials"]
    assert "is there already" in hub(*create, fails=True)
    assert json.loads((tmp_path / "mem.jwk").read_text()) == key
    # What is refused leaves no key behind.
    assert "has the id mem" in hub(*create[:-1], "other.jwk", fails=True)
    assert not (tmp_path / "other.jwk").exists()


def test_keys_may_be_given_as_a_file(hub: Run, tmp_path: Path, database: str) -> None:
    private, public = jwks.new_pair()
    (tmp_path / "public.jwk").write_text(json.dumps(public))
    (tmp_path / "private.jwk").write_text(json.dumps(private))
    create = ("client", "create", "--name", "x", "--department", "mem", "--id", "mem", "--jwks")
    said = hub(*create, "private.jwk", fails=True)
    assert "private" in said
    assert private["d"] not in said
    assert "cannot be read" in hub(*create, "missing.jwk", fails=True)
    hub(*create, "public.jwk")
    assert "new keys" in hub("client", "rotate", "mem", "--generate-key", "next.jwk")
    assert "only one" in hub(*create, "public.jwk", "--jwks-uri", "https://a.example/", fails=True)
    assert "either" in hub(*create, "public.jwk", "--generate-key", "other.jwk", fails=True)


def test_a_secret_is_shown_when_it_is_made_and_never_again(hub: Run, database: str) -> None:
    said = hub("client", "create", "--name", "x", "--department", "mem", "--id", "mem", "--auth", "secret")
    secret = said.splitlines()[1].removeprefix("client_secret: ")
    renewed = hub("client", "rotate", "mem").strip().removeprefix("client_secret: ")

    async def good(which: str) -> bool:
        connection = await connect(database)
        try:
            return clients.has_secret(await clients.find_client(connection, "mem"), which)
        finally:
            await connection.close()

    assert not asyncio.run(good(secret))
    assert asyncio.run(good(renewed))
    assert renewed not in hub("client", "list") + hub("client", "list", "--json")
    assert hub("client", "disable", "mem") == "mem is disabled.\n"
    assert hub("client", "disable", "mem") == "mem was disabled already.\n"
    assert not asyncio.run(good(renewed))
    assert hub("client", "enable", "mem") == "mem is enabled.\n"
    assert "no client nobody" in hub("client", "disable", "nobody", fails=True)


def test_a_browsers_client_is_public_and_has_codes(hub: Run) -> None:
    hub(
        "client", "create", "--name", "GraphiQL", "--kind", "developer", "--auth", "none", "--id", "graphiql",
        "--redirect-uri", "https://hub.example/graphiql/callback",
    )  # fmt: skip
    (line,) = lines(hub("client", "list", "--json"))
    assert line["grant_types"] == ["authorization_code", "refresh_token"]


def test_people_are_registered_without_a_password_in_the_list_of_processes(hub: Run) -> None:
    create = ("user", "create", "zhang", "--name", "张三", "--department", "mem", "--scope", "records:read")
    assert "no terminal" in hub(*create, fails=True)
    assert "from 12" in hub(*create, "--password-stdin", stdin="short\n", fails=True)
    hub(*create, "--password-stdin", stdin=f"{acting.PASSWORD}\n")
    hub("user", "password", "zhang", "--password-stdin", stdin="another long password\n")
    said = hub("user", "totp", "zhang")
    assert "otpauth://totp/" in said
    (line,) = lines(hub("user", "list", "--json"))
    assert (line["username"], line["department"], line["totp"]) == ("zhang", "mem", True)
    hub("user", "totp", "zhang", "--off")
    assert hub("user", "disable", "zhang") == "zhang is disabled.\n"
    assert hub("user", "enable", "zhang") == "zhang is enabled.\n"
    assert "no user nobody" in hub("user", "disable", "nobody", fails=True)


def test_keys_are_rotated_and_listed_without_their_private_half(hub: Run) -> None:
    first = hub("keys", "rotate").split()[0]
    second = hub("keys", "rotate").split()[0]
    found = lines(hub("keys", "list", "--json"))

    assert [line["kid"] for line in found] == [second, first]
    assert found[0].keys() == {"kid", "created_at", "retired_at", "published_until"}
    third = hub("keys", "rotate", "--revoke").split()[0]
    assert third in hub("keys", "list")


def test_access_is_granted_and_revoked(hub: Run, database: str) -> None:
    create = ("grant", "create", "--owner", "samr", "--to", "mem", "--purpose", "tender", "--item")
    assert hub(*create, "samr-conditional") == "grant: 1\n"
    refused = hub(*create, "samr-open", "--item", "nothing", "--until", "2020-01-01", fails=True)
    assert all(place in refused for place in ("(catalogueItems.0)", "(catalogueItems.1)", "(until)"))
    (line,) = lines(hub("grant", "list", "--json"))
    assert (line["owner"], line["grantee"], line["items"]) == ("samr", "mem", ["samr-conditional"])
    assert (line["revoked_at"], line["revoked_by"], line["reason"]) == (None, None, None)
    assert "'--reason'" in hub("grant", "revoke", "1", fails=True)
    assert asyncio.run(asked(database, "select revoked_at is null from grants"))
    assert hub("grant", "revoke", "1", "--reason", "合作结束", "--by", "王五") == "Grant 1 is revoked.\n"
    assert asyncio.run(asked(database, "select revoked_at is not null and revision = 2 from grants"))
    assert asyncio.run(asked(database, "select count(*) from grants_history")) == 1
    assert hub("grant", "revoke", "1", "--reason", "again") == "Grant 1 was revoked already.\n"
    (line,) = lines(hub("grant", "list", "--json"))
    assert (line["revoked_by"], line["reason"]) == ("operator 王五", "合作结束")
    assert "no grant 7" in hub("grant", "revoke", "7", "--reason", "x", fails=True)


@pytest.mark.parametrize("option", ["--from", "--until"])
@pytest.mark.parametrize("day", ["9999-12-31", "1899-12-31"])
def test_a_term_has_days_that_the_database_holds(hub: Run, option: str, day: str) -> None:
    given = (option, day)
    grant = ("grant", "create", "--owner", "samr", "--to", "mem", "--purpose", "tender", "--item", "samr-conditional")
    delegate = ("delegate", "create", "--department", "mem", "--scope", "records:read", "--client", "supplier")
    for create in (grant, delegate):
        assert "from 1900-01-01 to 9999-12-30" in hub(*create, *given, fails=True)
    assert hub(*grant, "--until", "9999-12-30") == "grant: 1\n"


@pytest.mark.parametrize("wrong", ["", "  ", "a\nb", "x" * (REASON_CHARACTERS_MAX + 1), "\udc80"])
@pytest.mark.parametrize("option", ["--reason", "--by"])
def test_what_is_kept_of_an_end_says_something_and_is_bounded(hub: Run, option: str, wrong: str) -> None:
    other = "--by" if option == "--reason" else "--reason"
    for what in ("grant", "delegate"):
        assert "one line of 1 to 500 characters" in hub(what, "revoke", "1", option, wrong, other, "x", fails=True)
        assert f"no {what.removesuffix('e')}" in hub(
            what, "revoke", "1", option, "x" * REASON_CHARACTERS_MAX, other, "x", fails=True
        )


def test_a_supplier_is_delegated_to(hub: Run, database: str) -> None:
    hub(
        "client", "create", "--name", "x", "--kind", "supplier", "--auth", "secret", "--id", "supplier",
        "--scope", "records:read", "--scope", "mem/records:write",
    )  # fmt: skip
    create = ("delegate", "create", "--department", "mem", "--scope", "mem/records:write", "--client")
    assert hub(*create, "supplier", "--purpose", "tender") == "delegation: 1\n"
    assert "standing one" in hub(*create, "supplier", fails=True)
    assert "no client of kind SUPPLIER" in hub(*create, "nobody", fails=True)
    assert "not registered for persons:read" in hub(*create, "supplier", "--scope", "persons:read", fails=True)
    # A grant is its owner's own word, and would outlive the delegation.
    assert "may not hold mem/grants:write" in hub(*create, "supplier", "--scope", "mem/grants:write", fails=True)
    assert "no purpose curiosity" in hub(*create, "supplier", "--purpose", "curiosity", fails=True)
    assert "last day" in hub(*create, "supplier", "--until", "2020-01-01", fails=True)
    (line,) = lines(hub("delegate", "list", "--json"))
    assert (line["department"], line["scopes"]) == ("mem", ["mem/records:write"])
    assert "'--reason'" in hub("delegate", "revoke", "1", fails=True)
    told, by = "合同到期，联系人 11010519491231002X", "11010519491231002X"
    assert hub("delegate", "revoke", "1", "--reason", told, "--by", by) == "Delegation 1 is revoked.\n"
    assert hub("delegate", "revoke", "1", "--reason", "again") == "Delegation 1 was revoked already.\n"
    (line,) = lines(hub("delegate", "list", "--json"))
    assert line["revoked_by"] == "operator 1" + "*" * 16 + "X"
    assert str(line["reason"]).startswith("合同到期")
    assert "19491231" not in str(line["reason"])
    assert "no delegation 7" in hub("delegate", "revoke", "7", "--reason", "x", fails=True)
    hub(*create, "supplier")
    standing = lines(hub("delegate", "list", "--json"))[1]["id"]
    hub("delegate", "revoke", str(standing), "--reason", "x")
    assert lines(hub("delegate", "list", "--json"))[1]["revoked_by"] == f"operator {getpass.getuser()}"


def test_a_representative_is_bound_to_a_subject(hub: Run) -> None:
    code = make.uscc(4_242)
    hub("client", "create", "--name", "x", "--kind", "representative", "--uscc", code, "--auth", "secret")
    (line,) = lines(hub("client", "list", "--json"))
    assert (line["kind"], line["uscc"]) == ("REPRESENTATIVE", code)
