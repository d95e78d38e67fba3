"""Runs of a recomputation: in the log, for what was chosen, dry, killed, and several at the same time."""

import asyncio
import json
from datetime import date
from typing import Any

import asyncpg
import pytest

from hub.commands import recomputation
from hub.commands.recomputation import recompute
from hub.commands.transaction import NotWritten
from hub.errors import Unusable
from hub.store.engine import connect
from hub.store.labels import PeriodRule
from tests import make
from tests.commands.recomputing import COMING, PACKAGED, PAST, TODAY, fined, noon, record, run, told


async def test_every_run_and_every_cut_is_in_the_log(connection: asyncpg.Connection, item: int) -> None:
    coming, past = await fined(connection), await fined(connection, PAST)
    await run(connection, policy={"minor_published": True}, items=("penalty",), regime="ORDER_58")
    noted = await connection.fetchrow("select * from publication_recomputations")
    assert (noted["regime"], noted["of_regime"], noted["item_codes"]) == ("ORDER_36", "ORDER_58", ["penalty"])
    assert (noted["looked_at"], noted["shortened"], noted["ended"], noted["not_begun"]) == (2, 1, 1, 0)
    assert noted["at"] <= noted["finished_at"]
    assert noted["by_id"] == await connection.fetchval("select id from departments where code = 'centre'")
    assert json.loads(noted["policy"]) == {
        "transition": "SHORTER_END", "serious_fine_fen": None, "minor_fine_fen": None, "minor_published": True,
        "run_on_regions": [],
    }  # fmt: skip
    cuts = await connection.fetch("select * from publication_cuts order by record_id")
    assert [(row["record_id"], row["outcome"], row["until_before"], row["until_now"]) for row in cuts] == [
        (coming.id, "SHORTENED", date(2028, 9, 1), date(2026, 9, 1)),
        (past.id, "ENDED", date(2028, 4, 20), date(2026, 4, 20)),
    ]
    assert {(row["rule_before"], row["rule_now"], row["recomputation_id"]) for row in cuts} == {
        ("ORDER_58", "ORDER_36", noted["id"])
    }
    # The version before the cut, and until when it was known: what `asOf` is to be answered from.
    former = await connection.fetchrow("select * from records_history where id = $1", past.id)
    assert (former["public_until"], former["rule_version"]) == (date(2028, 4, 20), "ORDER_58")
    now = await record(connection, past)
    assert (former["known_until"], now["changed_by"]) == (now["known_from"], noted["by_id"])
    assert cuts[1]["revision"] == now["revision"]


async def test_the_log_is_not_changed_afterwards(connection: asyncpg.Connection, item: int) -> None:
    await fined(connection)
    await run(connection)
    for statement in (
        "update publication_cuts set rule_now = 'x'",
        "delete from publication_cuts",
        "truncate publication_recomputations",
        "delete from publication_recomputations",
        "update publication_recomputations set ended = ended + 1",
    ):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="refused"):
            await connection.execute(statement)


async def test_a_dry_run_says_the_same_and_writes_nothing(connection: asyncpg.Connection, item: int) -> None:
    for decided_on in (COMING, PAST):
        await fined(connection, decided_on)
    before = await connection.fetch("select * from records order by id")
    said = await run(connection, dry_run=True)
    assert await connection.fetch("select * from records order by id") == before
    for table in ("publication_recomputations", "publication_cuts", "disclosure_outbox", "records_history"):
        assert await connection.fetchval(f"select count(*) from {table}") == 0
    done = await run(connection)
    assert (said.changes, said.looked_at) == (done.changes, done.looked_at)


async def test_only_what_was_chosen_is_cut(connection: asyncpg.Connection, item: int) -> None:
    one, other = [await make.department(connection, code=code) for code in ("one", "other")]
    item_2 = await make.item(connection, code="second", period_rule=PeriodRule.DISHONESTY)
    await fined(connection, department_id=one)
    await fined(connection, department_id=other)
    await fined(connection, department_id=other, item_id=item_2)
    await fined(connection, department_id=other, rule_version="2019")
    assert (await run(connection, dry_run=True)).looked_at == 4
    assert (await run(connection, dry_run=True, departments=("other",))).looked_at == 3
    assert (await run(connection, dry_run=True, departments=("one", "other"), items=("second",))).looked_at == 1
    assert (await run(connection, dry_run=True, regime="2019")).looked_at == 1
    for given, name in (({"departments": ("x",)}, "x"), ({"items": ("y",)}, "y"), ({"regime": "ORDER_1"}, "ORDER_58")):
        with pytest.raises(Unusable, match=name):
            await run(connection, **given)


async def many(connection: asyncpg.Connection, count: int) -> None:
    """So many fines whose year is over."""
    model = await fined(connection, PAST)
    await connection.execute(
        "insert into records (subject_id, kind, item_code, item_id, department_id, source_id, counterpart_name,"
        " document_key, decided_on, penalty_kinds, dishonesty_class, rule_version, public_from, public_until,"
        " submitted_at, known_from, feed_state)"
        " select subject_id, kind, item_code, item_id, department_id, source_id, counterpart_name, n::text, decided_on,"
        " penalty_kinds, dishonesty_class, rule_version, public_from, public_until, submitted_at, known_from,"
        " feed_state from records, generate_series(2, $3::integer) n where subject_id = $1 and id = $2",
        *model,
        count,
    )


async def test_a_run_that_is_killed_is_finished_by_the_next_and_doubles_nothing(
    connection: asyncpg.Connection, database: str, item: int
) -> None:
    await many(connection, 2_500)
    killed = await connect(database)

    def kill(looked_at: int) -> None:
        if looked_at == 2_000:
            killed.terminate()

    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await recompute(killed, noon(), PACKAGED, by="centre", progress=kill)
    first = await connection.fetchrow("select * from publication_recomputations")
    assert (first["looked_at"], first["ended"], first["finished_at"]) == (2_000, 2_000, None)

    account = await run(connection)

    assert (account.looked_at, account.total) == (500, 500)
    assert await connection.fetch("select revision, feed_state, count(*) from records group by 1, 2") == [
        (2, "CLOSED", 2_500)
    ]
    lines = await told(connection)
    assert len({line[2] for line in lines}) == len(lines) == 2_500
    assert await connection.fetchval("select count(*) from publication_cuts") == 2_500


async def test_a_group_that_fails_leaves_nothing_of_itself(
    connection: asyncpg.Connection, item: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await many(connection, 3)
    monkeypatch.setattr(recomputation, "_ANNOUNCE", "select 1 / 0, $1::bigint[], $2::bigint[], $3::text[], $4::text[]")
    with pytest.raises(NotWritten):
        await run(connection)
    for table in ("records_history", "publication_cuts", "disclosure_outbox"):
        assert await connection.fetchval(f"select count(*) from {table}") == 0
    assert await connection.fetchval("select looked_at from publication_recomputations") == 0


async def test_what_somebody_changes_meanwhile_is_looked_at_again(
    connection: asyncpg.Connection, database: str, item: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await many(connection, 3)
    other = await connect(database)
    write = recomputation._write

    async def too_late(*given: Any) -> Any:
        monkeypatch.setattr(recomputation, "_write", write)
        await other.execute("update records set remark = '改', revision = 2 where document_key = '2'")
        await other.execute(
            "update records set status = 'REPAIRED', withdrawn_reason = 'REPAIRED', feed_state = 'CLOSED', revision = 2"
            " where document_key = '3'"
        )
        return await write(*given)

    monkeypatch.setattr(recomputation, "_write", too_late)
    account = await run(connection)
    await other.close()
    assert account.total == 2
    rows = await connection.fetch(
        "select public_until, revision from records where document_key in ('2', '3') order by document_key"
    )
    assert [tuple(row) for row in rows] == [(date(2026, 4, 20), 3), (date(2028, 4, 20), 2)]
    assert len(await told(connection)) == 2
    noted = await connection.fetchrow("select looked_at, ended from publication_recomputations")
    assert tuple(noted) == (2, 2)


async def test_runs_at_the_same_time_cut_each_record_once(
    connection: asyncpg.Connection, database: str, item: int
) -> None:
    await many(connection, 1_500)
    runners = [await connect(database) for _ in range(3)]
    accounts = await asyncio.gather(*(run(runner) for runner in runners))
    for runner in runners:
        await runner.close()
    assert sum(account.total for account in accounts) == 1_500
    assert await connection.fetchval("select count(*) from records_history") == 1_500
    assert len(await told(connection)) == 1_500


async def test_a_group_is_read_in_the_order_of_the_key(connection: asyncpg.Connection, item: int) -> None:
    await connection.execute("set enable_seqscan = off; set enable_sort = off")
    given: tuple[Any, ...] = (7, 9, TODAY, [], [], None, ["41%"])
    rows = await connection.fetch(f"explain {recomputation._RUNNING}", *given)
    plan = "\n".join(row[0] for row in rows)
    assert "using pk_records on records" in plan
    assert "Index Cond: (ROW(subject_id, id) > ROW('7'::bigint, '9'::bigint))" in plan
