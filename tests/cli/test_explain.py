"""`hub explain`: plan, SQL, and what PostgreSQL says of it."""

import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from click.testing import CliRunner

from hub.cli import cli
from hub.clock import Clock
from hub.errors import Unusable
from hub.explain import Question, explain
from hub.settings import Settings
from hub.store.labels import ClientKind
from tests import make
from tests.identity import acting

CLOCK = Clock.beginning_at(datetime(2026, 5, 1, 9))  # noqa: DTZ001 - Beijing's
PRE_CHECK = """
query PreCheck($uscc: USCC!, $first: Int) {
  subject(uscc: $uscc) {
    name
    sanctions { reason }
    records(first: $first) { edges { node { title ... on AdministrativePenalty { violation } } } }
  }
}
"""
BATCH = "query Batch($usccs: [USCC!]!) { subjects(usccs: $usccs) { name sanctions { reason measures { name } } } }"


async def explained(url: str, text: str, variables: dict[str, Any], **said: Any) -> str:
    question = Question(text, variables=variables, **said)
    return "\n".join(await explain(url, question, CLOCK, Settings(database_url=url)))


async def test_a_point_is_a_statement_with_its_plan_and_its_cost(shared_database: str) -> None:
    text = await explained(shared_database, PRE_CHECK, {"uscc": make.uscc(1), "first": 5})
    plan, _, statement = text.partition("\n\n")

    first, *below = plan.splitlines()
    assert first.startswith("Plan of PreCheck: cost ")
    assert below[:2] == ["  subject: one row of subjects where subject_is_known, uscc = value 0", "    name: name"]
    assert below[2].startswith("    sanctions: all rows of sanctions_entries where subject_id = id and entry_is_public")
    assert "          as AdministrativePenalty\n            title: title\n            violation: violation" in plan
    assert statement.startswith("Statement 1: subject\n  SELECT ")
    alone, _, shared = statement.partition("\n\nStatement 2: ")
    assert "(cost=" in alone
    assert "actual time" not in statement
    # The second is for those who ask at the same time, and reads the same of a subject.
    assert shared.startswith("subject, of up to 20 that ask at a time and differ in the key alone\n  SELECT ")
    assert "= keys" in shared
    assert "(cost=" in shared
    assert "Statement 3" not in shared


async def test_statements_below_a_list_are_explained_with_the_keys_from_above(
    database: str, connection: asyncpg.Connection
) -> None:
    uscc = make.uscc()
    subject = await make.subject(connection, uscc=uscc)
    measure = await make.measure(connection)
    code = await connection.fetchval("select code from measures where id = $1", measure)
    await make.entry(connection, subject_id=subject, measure_codes=[code])
    text = await explained(database, BATCH, {"usccs": [uscc]})

    assert [line for line in text.splitlines() if line.startswith("Statement ")] == [
        "Statement 1: subjects",
        "Statement 2: subjects, a list below it",
        "Statement 3: subjects, a list below it, a list below it",
    ]
    assert "with $1 = ordinals, $2 = keys" in text
    assert "No row above asked for it" not in text


async def test_statements_whose_turn_does_not_come_are_named(shared_database: str) -> None:
    text = await explained(shared_database, BATCH, {"usccs": [make.uscc()]})

    assert "No row above asked for it with these variables." in text


async def test_analyze_measures(shared_database: str) -> None:
    assert "actual time" in await explained(shared_database, PRE_CHECK, {"uscc": make.uscc(1)}, analyze=True)


async def test_an_operation_without_rows_needs_no_statement(shared_database: str) -> None:
    assert (await explained(shared_database, "{ __typename }", {})).splitlines() == [
        "Plan of an operation without a name: cost 0",
        "  __typename: always the same",
    ]


@pytest.mark.parametrize(
    ("query", "variables", "sentence"),
    [
        ("{ nothing }", {}, "Cannot query field 'nothing'"),
        (PRE_CHECK, {}, "uscc"),
        ("query A { __typename } query B { __typename }", {}, "operationName"),
        ("{", {}, "Syntax Error"),
    ],
)
async def test_what_would_be_refused_is_refused_with_the_same_words(
    shared_database: str, query: str, variables: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(Unusable, match=sentence):
        await explained(shared_database, query, variables)


def test_the_verb_reads_a_file_and_prints(shared_database: str, tmp_path: Path) -> None:
    file = tmp_path / "two.graphql"
    file.write_text(PRE_CHECK + BATCH, encoding="utf-8")
    variables = json.dumps({"usccs": [make.uscc()]})
    given = ["explain", str(file), "--operation", "Batch", "--variables", variables, "--analyze"]
    done = CliRunner().invoke(cli, given, env={"HUB_DATABASE_URL": shared_database})

    assert (done.exit_code, done.exception) == (0, None)
    assert done.output.startswith("Plan of Batch: cost ")
    assert "actual time" in done.output


@pytest.mark.parametrize(
    ("content", "variables", "sentence"),
    [
        (None, "{}", "There is no file"),
        ("", "{}", "is a directory; name a file"),
        (b"\xff", "{}", "cannot be read as a text in UTF-8"),
        (b"{ __typename }", "[]", "--variables must be a JSON object"),
        (b"{ __typename }", "{", "--variables must be a JSON object"),
    ],
)
def test_what_the_verb_cannot_use_is_said(
    shared_database: str, tmp_path: Path, content: bytes | str | None, variables: str, sentence: str
) -> None:
    file = tmp_path / "query.graphql"
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content is not None:
        file.mkdir()
    given = ["explain", str(file), "--variables", variables]
    done = CliRunner().invoke(cli, given, env={"HUB_DATABASE_URL": shared_database})

    assert isinstance(done.exception, Unusable)
    assert sentence in str(done.exception)


RECORDS = "{ records { edges { node { title } } } }"


async def test_a_client_asks_with_its_department_its_scopes_and_its_grants(
    database: str, connection: asyncpg.Connection
) -> None:
    world = await acting.lay_world(connection)
    number = await acting.grant(connection, world)
    made = await acting.client(connection, CLOCK)
    text = await explained(database, RECORDS, {}, client=made.client_id, purpose="tender")

    assert text.splitlines()[:5] == [
        f"As {made.client_id}, of mem",
        "  purpose: tender",
        "  scopes: records:read, samr/records:read",
        f"  grant {number} of samr: samr-conditional; for tender",
        "",
    ]
    assert "the caller's granted_items" in text
    assert "the caller's" not in await explained(database, RECORDS, {})


async def test_what_a_client_would_be_denied_or_told_stands_in_the_plan(
    database: str, connection: asyncpg.Connection
) -> None:
    await acting.lay_world(connection)
    made = await acting.client(connection, CLOCK, scopes=("records:read",))
    text = await explained(database, RECORDS, {}, client=made.client_id)

    assert text.splitlines()[:3] == [f"As {made.client_id}, of mem", "  purpose: none", "  scopes: records:read"]
    assert "PURPOSE" in text.partition("Statement 1")[0]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"client": "nobody"}, "^There is no client 'nobody'.$"),
        ({"client": "12'; drop\n"}, "^There is no client"),
        ({"client": "stopped"}, "^'stopped' may ask nothing: The client is disabled.$"),
        ({"client": "unhired"}, "^'unhired' may ask nothing: No delegation"),
        ({"client": "agency", "purpose": "gossip"}, "^--purpose states .* it may have: licensing, tender.$"),
        ({"purpose": "tender"}, "^A purpose is a client's: name the client with --as.$"),
    ],
)
async def test_a_caller_who_may_not_ask_is_told_in_a_sentence(
    database: str, connection: asyncpg.Connection, said: dict[str, Any], sentence: str
) -> None:
    await acting.lay_world(connection)
    await acting.client(connection, CLOCK, client_id="agency")
    await acting.client(connection, CLOCK, client_id="unhired", kind=ClientKind.SUPPLIER)
    await acting.client(connection, CLOCK, client_id="stopped")
    await connection.execute("update oauth_clients set disabled_at = now() where client_id = 'stopped'")

    with pytest.raises(Unusable, match=sentence):
        await explained(database, RECORDS, {}, **said)


async def test_a_mutation_is_not_run_to_be_explained(shared_database: str) -> None:
    mutation = "mutation ($input: GrantAccessInput!) { grantAccess(input: $input) { __typename } }"
    with pytest.raises(Unusable, match="Only a query can be explained"):
        await explained(shared_database, mutation, {})


def test_the_verb_takes_a_client_and_says_in_a_sentence_that_there_is_none(database: str, tmp_path: Path) -> None:
    file = tmp_path / "query.graphql"
    file.write_text("{ __typename }", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "hub", "explain", str(file), "--as", "nobody"],
        env=os.environ | {"HUB_DATABASE_URL": database},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.strip().endswith("There is no client 'nobody'.")
    assert "Traceback" not in done.stderr
