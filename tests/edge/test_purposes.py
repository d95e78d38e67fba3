"""Why a caller asks: what a purpose opens, and what is said where there is none, or none that a grant covers."""

import asyncpg
import pytest

from tests import make
from tests.edge.oauth_world import RECORDS, TODAY, Served, asked, codes, seen, token


async def test_shared_data_needs_a_purpose_and_public_data_needs_none(served: Served) -> None:
    _, client, shared = served
    answer = await asked(client, RECORDS, await token(client, shared, "agency"), uscc=shared.uscc)
    assert [error["extensions"] for error in answer["errors"]] == [
        {"code": "PURPOSE_REQUIRED", "field": "subject.records"}
    ]
    assert await seen(served, "agency") == {"public"}


async def test_what_is_null_for_want_of_a_purpose_is_told_with_its_path(served: Served) -> None:
    _, client, shared = served
    text = """query R($usccs: [USCC!]!, $uscc: USCC!, $id: ID!) {
        subjects(usccs: $usccs) { who: responsiblePersons { name } records { edges { cursor } } }
        subject(uscc: $uscc) { name } node(id: $id) { id } nodes(ids: [$id]) { id } }"""
    unknown, hidden = "91110000100000000R", shared.records["open"]
    held = await token(client, shared, "agency")
    answer = await asked(client, text, held, usccs=[shared.uscc, unknown, shared.other], uscc=unknown, id=hidden)
    told = {(error["extensions"]["field"], str(error.get("path"))) for error in answer["errors"]}
    assert told == {
        ("subjects.who", "['subjects', 0, 'who']"), ("subjects.who", "['subjects', 2, 'who']"),
        ("subject", "['subject']"), ("node", "['node']"),
        # Beside public data, and lists with places that may be empty for another reason: only what is asked.
        ("subjects.records", "None"), ("subjects", "None"), ("nodes", "None"),
    }  # fmt: skip
    assert set(await codes(answer)) == {"PURPOSE_REQUIRED"}
    answer = await asked(client, text, held, usccs=[shared.uscc] * 60, uscc=shared.uscc, id=hidden)
    paths = [error["path"] for error in answer["errors"] if "path" in error]
    assert (len(paths), ["node"] in paths) == (49, True)
    assert "More places are null than the 50 errors that an answer may have." in str(answer["errors"])


async def test_a_purpose_that_no_grant_covers_opens_what_needs_no_grant(served: Served) -> None:
    _, client, shared = served
    held = await token(client, shared, "agency")
    answer = await asked(client, RECORDS, held, "licensing", uscc=shared.uscc)
    assert await codes(answer) == ["PURPOSE_NOT_GRANTED"]
    assert await seen(served, "agency", "licensing") == {"public", "open"}


@pytest.mark.parametrize(
    ("purpose", "items", "said"),
    [
        ("tender", ["samr-conditional"], []),
        ("licensing", ["samr-conditional"], ["PURPOSE_NOT_GRANTED"]),
        ("licensing", ["samr-open", "samr-conditional"], ["PURPOSE_NOT_GRANTED"]),
        ("licensing", ["mot-item", "samr-open"], []),
        ("tender", ["mot-item"], ["PURPOSE_NOT_GRANTED"]),
        ("tender", None, []),
    ],
)
async def test_who_asks_for_an_item_is_told_that_its_grants_open_it_for_another_purpose(
    served: Served, purpose: str, items: list[str] | None, said: list[str]
) -> None:
    _, client, shared = served
    held = await token(client, shared, "two-grants")
    text = (
        "query R($uscc: USCC!, $items: [String!]) { subject(uscc: $uscc) {"
        " asked: records(first: 50, filter: {catalogueItems: $items}) { edges { node { id } } } } }"
    )
    answer = await asked(client, text, held, purpose, uscc=shared.uscc, items=items)
    assert [error["extensions"] for error in answer.get("errors", [])] == [
        {"code": code, "field": "subject.asked"} for code in said
    ]
    ids = {edge["node"]["id"] for edge in answer["data"]["subject"]["asked"]["edges"]}
    shown = shared.records["conditional"] in ids
    assert shown == (purpose == "tender" and (items is None or "samr-conditional" in items))


async def test_who_finds_no_record_for_an_id_is_told_that_grants_open_items_for_another_purpose(served: Served) -> None:
    _, client, shared = served
    text = "query N($id: ID!, $r: [_Any!]!) { node(id: $id) { id } _entities(representations: $r) { __typename } }"
    nobodys, conditional = "R1-ffff", shared.records["conditional"]
    refused = [("PURPOSE_NOT_GRANTED", "_entities"), ("PURPOSE_NOT_GRANTED", "node")]
    for name, purpose, number, told in (
        ("two-grants", "licensing", conditional, refused),
        ("two-grants", "licensing", nobodys, refused),
        ("two-grants", "licensing", shared.records["open"], []),
        ("two-grants", "tender", conditional, []),
        # Whose grants all cover what it states has nothing else that they could open.
        ("agency", "tender", nobodys, []),
    ):
        held, representation = await token(client, shared, name), {"__typename": "CreditRecord", "id": number}
        answer = await asked(client, text, held, purpose, id=number, r=[representation])
        errors = answer.get("errors", [])
        said = [(error["extensions"]["code"], error["extensions"]["field"]) for error in errors]
        assert sorted(said) == told, (name, purpose, number)
        assert [error["path"] for error in errors if "path" in error] == ([["node"]] if told else [])


async def test_what_is_public_is_had_by_its_id_without_a_purpose(served: Served) -> None:
    _, client, shared = served
    held, number = await token(client, shared, "agency"), shared.records["public"]
    text = "query N($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } }"
    answer = await asked(client, text, held, id=number)
    assert answer == {"data": {"node": {"id": number}, "nodes": [{"id": number}]}}


async def test_a_purpose_that_the_caller_may_not_have_is_refused(served: Served) -> None:
    _, client, shared = served
    held = await token(client, shared, "agency")
    for purpose in ("audit", "nonsense"):
        answer = await asked(client, RECORDS, held, purpose, uscc=shared.uscc)
        assert await codes(answer) == ["PURPOSE_NOT_GRANTED"], purpose
        assert "data" not in answer


async def test_a_purpose_is_asked_for_where_the_ids_ask_for_what_is_shared(served: Served) -> None:
    _, client, shared = served
    held = await token(client, shared, "agency")
    text = "query N($id: ID!) { node(id: $id) { __typename } }"
    subject = await asked(client, "query S($uscc: USCC!) { subject(uscc: $uscc) { id } }", held, uscc=shared.uscc)
    assert "errors" not in await asked(client, text, held, id=subject["data"]["subject"]["id"])
    answer = await asked(client, text, held, id=shared.records["conditional"])
    assert answer["data"] == {"node": None}
    assert await codes(answer) == ["PURPOSE_REQUIRED"]


async def test_what_needs_no_right_needs_no_purpose(served: Served) -> None:
    _, client, shared = served
    held = await token(client, shared, "agency")
    answer = await asked(
        client, "query S($uscc: USCC!) { subject(uscc: $uscc) { name } viewer { client } catalogue { code } }", held,
        uscc=shared.uscc,
    )  # fmt: skip
    assert answer["data"]["viewer"] == {"client": "agency"}
    assert "errors" not in answer


async def test_a_purpose_is_asked_for_where_a_subject_is_not_found_whether_or_not_there_is_one(
    served: Served, database_of: asyncpg.Connection
) -> None:
    _, client, shared = served
    row = await database_of.fetchrow("select id as item_id, code as item_code from catalogue_items"
                                     " where code = 'samr-open'")  # fmt: skip
    owner = await database_of.fetchval("select id from departments where code = 'samr'")
    hidden = await make.subject(database_of, status=None)
    shares = {"public_from": None, "public_until": None, "decided_on": TODAY, "department_id": owner, **dict(row)}
    await make.record(database_of, subject_id=hidden, source_id=owner, **shares)
    code = await database_of.fetchval("select uscc from subjects where id = $1", hidden)
    text = """query S($uscc: USCC!, $id: ID!, $known: USCC!, $r: [_Any!]!) {
        subject(uscc: $uscc) { name } many: subjects(usccs: [$known, $uscc]) { name } node(id: $id) { id }
        nodes(ids: [$id]) { id } _entities(representations: $r) { __typename } viewer { subject { name } }
        searchSubjects(name: "没有") { edges { node { name } } } }"""

    async def found(name: str, purpose: str | None, uscc: str, number: str) -> tuple[bool, list[str]]:
        asking = {"uscc": uscc, "id": number, "known": shared.uscc, "r": [{"__typename": "Subject", "uscc": uscc}]}
        answer = await asked(client, text, await token(client, shared, name), purpose, **asking)
        data, errors = answer["data"], answer.get("errors", [])
        everywhere = [data["subject"], data["many"][1], data["node"], data["nodes"][0], data["_entities"][0]]
        assert len({one is None for one in everywhere}) == 1
        assert {error["extensions"]["code"] for error in errors} <= {"PURPOSE_REQUIRED"}
        return data["subject"] is not None, sorted(error["extensions"]["field"] for error in errors)

    there, nowhere = (code, f"S{hidden:x}"), (make.uscc(87_654_321), "Sffffffff")
    asks = ["_entities", "many", "node", "nodes", "subject"]
    assert await found("agency", None, *there) == (False, asks)
    assert await found("agency", None, *nowhere) == (False, asks)
    assert await found("agency", "tender", *there) == (True, [])
    assert await found("agency", "tender", *nowhere) == (False, [])
    assert await found("few", None, *there) == (False, [])
    # A public look-up is free of errors, whatever else the list of keys holds of other types.
    known = await database_of.fetchval("select id from subjects where uscc = $1", shared.uscc)
    assert await found("agency", None, shared.uscc, f"S{known:x}") == (True, [])
