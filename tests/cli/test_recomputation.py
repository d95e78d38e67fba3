"""`hub recompute-publication`: says first, asks, and does what was said."""

import asyncio
import sys
from collections.abc import Callable
from datetime import date, timedelta
from io import StringIO
from pathlib import Path

import asyncpg
import pytest

from hub import cli
from hub.clock import Clock
from hub.domain.dates import add_months
from hub.interruption import Interruption
from hub.query.ids import encode_id
from hub.store.engine import connect
from hub.store.labels import DishonestyClass, PeriodRule
from tests import make

Run = Callable[..., tuple[int, str, str]]
DECIDED = date(2024, 2, 1)


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, database: str) -> Run:
    """Runs `hub recompute-publication …` in this process: its status, output and errors."""
    monkeypatch.setattr(Interruption, "install", lambda _: None)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HUB_DATABASE_URL", database)

    def run(*arguments: str, answer: str | None = None) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["hub", "recompute-publication", *arguments])
        monkeypatch.setattr(sys, "stdin", StringIO() if answer is None else Terminal(answer))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return int(str(ended.value.code)), said.out, said.err

    return run


@pytest.fixture
async def key(connection: asyncpg.Connection) -> make.Key:
    """A fine that is public today by Order 58 and not by Order 36, and one that ends tomorrow by both."""
    await make.department(connection, code="centre")
    await make.item(connection, code="penalty", period_rule=PeriodRule.DISHONESTY)
    tomorrow = Clock().today() + timedelta(days=1)
    given = {"rule_version": "ORDER_58", "dishonesty_class": DishonestyClass.GENERAL}
    await make.record(connection, decided_on=add_months(tomorrow, -12), public_until=tomorrow, **given)  # type: ignore[arg-type]
    return await make.record(connection, decided_on=DECIDED, public_until=date(2999, 2, 1), **given)  # type: ignore[arg-type]


def asked(database: str, statement: str, *values: object) -> object:
    async def ask() -> object:
        connection = await connect(database)
        try:
            return await connection.fetchval(statement, *values)
        finally:
            await connection.close()

    return asyncio.run(ask())


def revision(database: str, key: make.Key) -> object:
    return asked(database, "select revision from records where id = $1", key.id)


def test_a_dry_run_shows_how_many_and_which(hub: Run, database: str, key: make.Key) -> None:
    status, said, _ = hub("--dry-run")
    assert status == 0
    rows = [line.split() for line in said.splitlines()]
    assert ["penalty", "centre", "ORDER_58", "ORDER_36", "0", "1", "0"] in rows
    assert [encode_id("R", *key), "penalty", "2024-02-01", "2999-02-01", "2025-02-01", "ended"] in rows
    assert said.endswith("2 running publications were looked at; 1 would be cut.\n")
    assert revision(database, key) == 1


def test_it_asks_and_does_nothing_without_a_yes(hub: Run, database: str, key: make.Key) -> None:
    status, said, _ = hub("--by", "centre", answer="n\n")
    assert (status, "1 would be cut" in said) == (cli.STOPPED_BY_SIGNAL, True)
    status, _, complaint = hub("--by", "centre")
    assert (status, "--yes" in complaint) == (1, True)
    assert revision(database, key) == 1
    status, said, _ = hub("--by", "centre", answer="y\n")
    assert (status, said.endswith("1 were cut.\n")) == (0, True)
    assert revision(database, key) == 2


def test_it_is_done_once(hub: Run, database: str, key: make.Key) -> None:
    assert hub("--by", "centre", "--yes")[0] == 0
    status, said, _ = hub("--by", "centre", "--yes")
    assert (status, said) == (0, "1 running publications were looked at; 0 were cut.\n")
    assert revision(database, key) == 2


def test_the_settings_choose_the_policy(
    hub: Run, database: str, key: make.Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB_PUBLICATION_TRANSITION", "rule-at-decision")
    hub("--by", "centre", "--yes")
    # Three years by the rule of its decision, and no longer.
    assert asked(database, "select public_until from records where id = $1", key.id) == date(2027, 2, 1)
    assert asked(database, "select policy->>'transition' from publication_recomputations") == ("RULE_AT_DECISION")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "--by"),
        (("--by", "nobody", "--yes"), "No department has the code 'nobody'"),
        (("--by", "centre", "--yes", "--item", "x"), "No catalogue item has the code 'x'"),
        (("--dry-run", "--regime", "ORDER_59"), "there are: 2019, ORDER_58, ORDER_36"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(
    hub: Run, key: make.Key, arguments: tuple[str, ...], complaint: str
) -> None:
    status, _, said = hub(*arguments)
    assert (status, complaint in said) == (1, True)
