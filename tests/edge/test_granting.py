"""Owners open what is theirs over HTTP, and end it: who may, what is kept of it, and who finds a grant."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from hub.clock import Clock
from hub.policy.caller import Caller
from hub.policy.principal import Principal
from hub.schema.performing import performing
from hub.store.labels import ClientKind
from tests import make
from tests.edge.oauth_world import TODAY, Served, ask_token, asked, codes, refusal, token
from tests.identity import acting

GRANT = "query N($id: ID!) { node(id: $id) { ... on Grant { id owner { code } grantee { code } purposes } } }"


async def test_a_grant_by_its_id_is_there_for_who_gave_it_and_who_got_it_and_nobody_else(served: Served) -> None:
    _, client, shared = served
    number = f"G{shared.grant_id:x}"
    there = {
        "node": {"id": number, "owner": {"code": "samr"}, "grantee": {"code": "mem"}, "purposes": ["tender"]},
    }  # fmt: skip
    for name, scope, sees in (
        ("owner", None, True),
        ("owner", "samr/grants:write", True),
        ("owner", "records:read samr/records:read", False),
        ("agency", None, True),
        ("few", None, True),
        ("stranger", None, False),
        ("auditor", None, False),
        ("representative", None, False),
        ("site", None, False),
    ):
        answer = await asked(client, GRANT, await token(client, shared, name, scope), id=number)
        assert answer == {"data": there if sees else {"node": None}}, (name, scope)
    assert await asked(client, GRANT, None, id=number) == {"data": {"node": None}}
    owner = await token(client, shared, "owner")
    assert await asked(client, GRANT, owner, id="G7fffffff") == {"data": {"node": None}}
    both = await asked(
        client, "query N($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }", owner, ids=["G7fffffff", number]
    )
    assert both == {"data": {"nodes": [None, {"__typename": "Grant", "id": number}]}}


async def test_an_owner_finds_the_grants_it_gave_that_may_still_be_ended(
    served: Served, database_of: asyncpg.Connection
) -> None:
    _, client, shared = served
    text = """{ viewer { grants { id } grantsGiven {
        id owner { code } grantee { code } catalogueItems { code } from until revokedAt revision } } }"""
    owner = await token(client, shared, "owner")
    of = {row["code"]: row["id"] for row in await database_of.fetch("select code, id from departments")}
    day = TODAY - timedelta(days=30)
    made = {}
    async with database_of.transaction():
        for name, grantee, columns in (
            ("today is its last day", "mot", {"valid_until": TODAY}),
            ("over", "mot", {"valid_until": TODAY - timedelta(days=1)}),
            ("revoked", "mot", {"revoked_at": datetime.now(UTC)}),
            ("yet to begin", "mem", {"valid_from": TODAY + timedelta(days=1)}),
            ("received", "samr", {"owner_id": of["mot"]}),
        ):
            row = {
                "owner_id": of["samr"], "grantee_id": of[grantee], "item_codes": ["samr-conditional"],
                "purposes": ["tender"], "valid_from": day, "known_from": make.KNOWN_FROM,
            }  # fmt: skip
            made[name] = f"G{await make.insert(database_of, 'grants', row | columns, 'id'):x}"
    given = (await asked(client, text, owner))["data"]["viewer"]["grantsGiven"]
    mine = [one for one in given if one["id"] in made.values() or one["id"] == f"G{shared.grant_id:x}"]
    assert [one["id"] for one in mine] == [
        made["yet to begin"], made["today is its last day"], f"G{shared.grant_id:x}",
    ]  # fmt: skip
    assert mine[1] == {
        "id": made["today is its last day"], "owner": {"code": "samr"}, "grantee": {"code": "mot"},
        "catalogueItems": [{"code": "samr-conditional"}], "from": day.isoformat(), "until": TODAY.isoformat(),
        "revokedAt": None, "revision": 1,
    }  # fmt: skip
    for name, scope in (("owner", "records:read"), ("agency", None), ("stranger", None), ("auditor", None)):
        held = await token(client, shared, name, scope)
        assert (await asked(client, text, held))["data"]["viewer"]["grantsGiven"] == [], (name, scope)
    assert (await asked(client, text, None))["data"]["viewer"]["grantsGiven"] == []

    # What was found, an operator's grant too, may be ended by what is shown of it.
    ends = """mutation E($input: RevokeAccessInput!) { revokeAccess(input: $input) { problems { code } } }"""
    said = {"idempotencyKey": "found", "grant": mine[1]["id"], "expectedRevision": mine[1]["revision"]}
    assert (await asked(client, ends, owner, input=said))["data"]["revokeAccess"]["problems"] == []
    left = (await asked(client, text, owner))["data"]["viewer"]["grantsGiven"]
    assert mine[1]["id"] not in [one["id"] for one in left]


async def test_a_mutation_needs_a_token(served: Served) -> None:
    _, client, _ = served
    given = '{idempotencyKey: "k", grant: "G1", expectedRevision: 1}'
    text = f"mutation {{ revokeAccess(input: {given}) {{ problems {{ code }} }} }}"
    answer = await asked(client, text, None)
    assert await codes(answer) == ["UNAUTHENTICATED"]


async def test_an_owner_opens_and_ends_access_and_tokens_follow(
    served: Served, database_of: asyncpg.Connection
) -> None:
    _, client, shared = served
    owner = await token(client, shared, "owner")
    grants = """mutation G($input: GrantAccessInput!) { grantAccess(input: $input) {
        grant { id revision owner { code } grantee { code } purposes } problems { code path } } }"""
    given = {
        "idempotencyKey": "one", "owner": "samr", "grantee": "mot", "catalogueItems": ["samr-conditional"],
        "purposes": ["tender"],
    }  # fmt: skip
    made = (await asked(client, grants, owner, input=given))["data"]["grantAccess"]
    assert made["problems"] == []
    assert (await asked(client, grants, owner, input=given))["data"]["grantAccess"] == made
    conflict = (await asked(client, grants, owner, input=given | {"grantee": "mem"}))["data"]["grantAccess"]
    assert conflict["problems"] == [{"code": "IDEMPOTENCY_CONFLICT", "path": ["idempotencyKey"]}]
    wrong = given | {"idempotencyKey": "two", "catalogueItems": ["samr-open", "nothing"], "purposes": ["fun"]}
    refused = (await asked(client, grants, owner, input=wrong))["data"]["grantAccess"]
    assert refused["grant"] is None
    assert {(problem["code"], *problem["path"]) for problem in refused["problems"]} == {
        ("ITEM_NOT_CONDITIONAL", "catalogueItems", "0"),
        ("UNKNOWN_CATALOGUE_ITEM", "catalogueItems", "1"),
        ("UNKNOWN_PURPOSE", "purposes", "0"),
    }
    stranger = await token(client, shared, "agency")
    denied = (await asked(client, grants, stranger, "tender", input=given))["data"]["grantAccess"]
    assert [problem["code"] for problem in denied["problems"]] == ["FORBIDDEN"]

    ends = """mutation E($input: RevokeAccessInput!) { revokeAccess(input: $input) {
        grant { revokedAt } problems { code } } }"""
    stale = {"idempotencyKey": "three", "grant": made["grant"]["id"], "expectedRevision": 7}
    assert (await asked(client, ends, owner, input=stale))["data"]["revokeAccess"]["problems"] == [{"code": "STALE"}]
    now = stale | {"expectedRevision": made["grant"]["revision"], "idempotencyKey": "four", "reason": "x" * 501}
    long = await asked(client, ends, owner, input=now)
    assert (long.get("data"), await codes(long)) == (None, ["BAD_USER_INPUT"])
    assert "input.reason holds more than 500 characters" in long["errors"][0]["message"]
    now["reason"] = "合作结束，联系人 11010519491231002X"
    ended = (await asked(client, ends, owner, input=now))["data"]["revokeAccess"]
    assert ended["problems"] == []
    assert ended["grant"]["revokedAt"] is not None
    row = await database_of.fetchrow("select * from grants where id = $1", int(made["grant"]["id"][1:], 16))
    assert row["revoked_by"] == "client owner"
    assert row["changed_by"] == row["owner_id"]
    assert row["change_reason"].startswith("合作结束")
    assert "19491231" not in row["change_reason"]
    again = now | {"idempotencyKey": "again", "expectedRevision": 2, "reason": "another"}
    twice = (await asked(client, ends, owner, input=again))["data"]["revokeAccess"]
    assert twice == {"grant": None, "problems": [{"code": "ALREADY_REVOKED"}]}
    foreign = {"idempotencyKey": "five", "grant": f"G{shared.grant_id:x}", "expectedRevision": 1}
    other = (await asked(client, ends, stranger, "tender", input=foreign))["data"]["revokeAccess"]
    assert other["problems"] == [{"code": "FORBIDDEN"}]


async def test_people_who_sign_in_through_one_client_have_idempotency_keys_of_their_own(
    served: Served, database_of: asyncpg.Connection
) -> None:
    given = {
        "idempotencyKey": "shared", "owner": "samr", "grantee": "mot", "catalogueItems": ["samr-conditional"],
        "purposes": ["tender"],
    }  # fmt: skip
    grant = performing(Clock(), ("tender",))["grantAccess"]

    async def asks(person: str, code: str) -> Any:
        department = await database_of.fetchval("select id from departments where code = $1", code)
        who = Principal(
            client="graphiql", kind=ClientKind.DEVELOPER, scopes=frozenset({f"{code}/grants:write"}),
            purposes=frozenset(), person=person, department_id=department, own_departments=(department,),
        )  # fmt: skip
        return await grant(database_of, Caller(principal=who), given)

    async with database_of.transaction():
        made = await asks("li", "samr")
        assert made["problems"] == []
        assert await asks("li", "samr") == made
        assert [problem["code"] for problem in (await asks("wang", "mot"))["problems"]] == ["FORBIDDEN"]


@pytest.mark.parametrize("number", ["G80000000", "G7fffffffffffffff", "Gffffffffffffffff", "R1-1", ""])
async def test_a_grant_that_cannot_be_is_unknown(served: Served, number: str) -> None:
    _, client, shared = served
    text = "mutation E($input: RevokeAccessInput!) { revokeAccess(input: $input) { problems { code } } }"
    given = {"idempotencyKey": f"unknown {number}", "grant": number, "expectedRevision": 1}
    answer = await asked(client, text, await token(client, shared, "owner"), input=given)
    assert answer["data"]["revokeAccess"]["problems"] == [{"code": "UNKNOWN_GRANT"}]


@pytest.mark.parametrize("field", ["from", "until"])
async def test_a_term_has_days_that_there_are(served: Served, field: str) -> None:
    _, client, shared = served
    text = "mutation G($input: GrantAccessInput!) { grantAccess(input: $input) { problems { code path } } }"
    given = {
        "idempotencyKey": f"day {field}", "owner": "samr", "grantee": "mot", "catalogueItems": ["samr-conditional"],
        "purposes": ["tender"], field: "9999-12-31",
    }  # fmt: skip
    answer = await asked(client, text, await token(client, shared, "owner"), input=given)
    assert answer["data"]["grantAccess"]["problems"] == [{"code": "NO_DAY", "path": [field]}]


async def test_no_delegation_lends_the_right_to_grant(served: Served, database_of: asyncpg.Connection) -> None:
    _, client, shared = served
    scopes = ["records:read", "samr/grants:write"]
    made = await acting.client(database_of, Clock(), client_id="supplier", kind=ClientKind.SUPPLIER, scopes=scopes[:1])
    shared.secrets["supplier"] = made.secret or ""
    # As one that an earlier hub let through.
    await database_of.execute("update oauth_clients set scopes = $1 where client_id = 'supplier'", scopes)
    await database_of.execute(
        "insert into delegations (client_id, department_id, scopes, purposes, valid_from, created_at)"
        " select 'supplier', id, $1, '{tender}', '2026-01-01', now() from departments where code = 'samr'",
        scopes,
    )
    refused = await ask_token(client, shared, "supplier", " ".join(scopes))
    assert refusal(refused) == (400, "invalid_scope")
    held = await token(client, shared, "supplier", "records:read")
    for text, given in (
        (
            "mutation G($input: GrantAccessInput!) { made: grantAccess(input: $input) { problems { code path } } }",
            {"owner": "samr", "grantee": "mot", "catalogueItems": ["samr-conditional"], "purposes": ["tender"]},
        ),
        (
            "mutation E($input: RevokeAccessInput!) { made: revokeAccess(input: $input) { problems { code path } } }",
            {"grant": f"G{shared.grant_id:x}", "expectedRevision": 1},
        ),
    ):
        answer = await asked(client, text, held, input={"idempotencyKey": "supplier", **given})
        field = "owner" if "owner" in given else "grant"
        assert answer["data"]["made"]["problems"] == [{"code": "FORBIDDEN", "path": [field]}]
