"""Who sees what over HTTP, by token and purpose; and that whatever is not public is in the access log first."""

from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from hub.clock import Clock
from hub.query.ids import NUMBERS_IN
from hub.store.labels import ClientKind, ListingStatus
from tests import make
from tests.edge.oauth_world import RECORDS, TODAY, Served, asked, codes, seen, token
from tests.identity import acting

ALL = {"public", "open", "conditional", "closed", "another's", "predecessor's", "repaired", "withdrawn"}


@pytest.mark.parametrize(
    ("caller", "purpose", "scope", "sees"),
    [
        (None, None, None, {"public"}),
        ("few", None, None, {"public"}),
        ("site", None, None, {"public"}),
        ("stranger", "tender", None, {"public", "open", "another's"}),
        ("agency", "tender", None, {"public", "open", "conditional", "predecessor's"}),
        ("agency", "licensing", "records:read", {"public", "open"}),
        ("owner", "tender", None, ALL - {"another's"}),
        ("auditor", "audit", None, ALL),
        ("representative", None, None, ALL),
    ],
)
async def test_a_caller_sees_what_its_rights_open(
    served: Served, caller: str | None, purpose: str | None, scope: str | None, sees: set[str]
) -> None:
    assert await seen(served, caller, purpose, scope) == sees


@pytest.mark.parametrize("spelt", ["bearer {}", "BEARER {}", "Bearer  {} "])
async def test_the_scheme_of_a_token_is_a_word_in_any_case(served: Served, spelt: str) -> None:
    _, client, shared = served
    held = await token(client, shared, "few")
    said = []
    for authorization in (f"Bearer {held}", spelt.format(held)):
        body = {"query": "{ viewer { client scopes } }"}
        answer = await client.post("/graphql", json=body, headers={"Authorization": authorization})
        said.append(answer.json()["data"]["viewer"])
    assert said[0] == said[1]
    assert said[0]["scopes"] == ["subjects:read"]


async def test_a_record_by_its_id_is_as_visible_as_in_a_list(served: Served) -> None:
    _, client, shared = served
    text = 'query N($id: ID!) { node(id: $id) { id } _entities(representations: [{__typename: "CreditRecord", id: $id}]) { __typename } }'  # noqa: E501
    text = "query N($id: ID!, $r: [_Any!]!) { node(id: $id) { id } _entities(representations: $r) { __typename } }"
    for name, purpose in (
        (None, None),
        ("few", None),
        ("stranger", "tender"),
        ("agency", "tender"),
        ("owner", "tender"),
    ):
        held = None if name is None else await token(client, shared, name)
        visible = await seen(served, name, purpose)
        for what, number in shared.records.items():
            representation = [{"__typename": "CreditRecord", "id": number}]
            answer = await asked(client, text, held, purpose, id=number, r=representation)
            assert (answer["data"]["node"] is not None) == (what in visible), (name, what)
            assert (answer["data"]["_entities"][0] is not None) == (what in visible), (name, what)


async def test_a_field_without_its_scope_is_null_and_forbidden_at_each_place(served: Served) -> None:
    _, client, shared = served
    text = "query P($usccs: [USCC!]!) { subjects(usccs: $usccs) { name responsiblePersons { name } } }"
    for held in (None, await token(client, shared, "few")):
        answer = await asked(client, text, held, usccs=[shared.uscc, shared.other])
        assert [one["responsiblePersons"] for one in answer["data"]["subjects"]] == [None, None]
        assert [error["path"] for error in answer["errors"]] == [
            ["subjects", 0, "responsiblePersons"], ["subjects", 1, "responsiblePersons"],
        ]  # fmt: skip
        assert all(
            error["extensions"] == {"code": "FORBIDDEN", "requiredScopes": [["persons:read"]]}
            for error in answer["errors"]
        )


async def test_each_field_is_named_though_there_are_more_places_than_errors(served: Served) -> None:
    _, client, shared = served
    text = """query P($usccs: [USCC!]!) {
        subjects(usccs: $usccs) { a: responsiblePersons { name } b: responsiblePersons { role } accessLog { __typename }
    } }"""
    answer = await asked(client, text, await token(client, shared, "few"), usccs=[shared.uscc] * 50)
    *named, last = answer["errors"]
    assert {error["path"][-1] for error in named} == {"a", "b", "accessLog"}
    assert (len(named), last["extensions"]) == (49, {"code": "FORBIDDEN"})
    assert "More places are null" in last["message"]


async def test_persons_are_seen_with_scope_and_purpose(served: Served) -> None:
    _, client, shared = served
    text = "query P($uscc: USCC!) { subject(uscc: $uscc) { responsiblePersons { name role basis } } }"
    answer = await asked(client, text, await token(client, shared, "agency"), "tender", uscc=shared.uscc)
    assert answer["data"]["subject"]["responsiblePersons"] == [{"name": "张三丰", "role": "PRINCIPAL", "basis": "示例"}]


async def test_each_answer_with_more_than_is_public_is_in_the_log(
    served: Served, database_of: asyncpg.Connection
) -> None:
    _, client, shared = served
    held = await token(client, shared, "agency")
    headers = {"Authorization": f"Bearer {held}", "Hub-Purpose": "tender", "Hub-Case": "%E6%8B%9B%E6%A0%871",
               "X-Request-Id": "a-1"}  # fmt: skip
    body = {"query": RECORDS, "variables": {"uscc": shared.uscc}}
    answer = await client.post("/graphql", json=body, headers=headers)
    assert answer.headers["cache-control"] == "private, no-store"
    row = await database_of.fetchrow("select * from access_log where request_id = 'a-1'")
    assert (row["client_id"], row["purpose"], row["case_reference"], row["operation"]) == (
        "agency",
        "tender",
        "招标1",
        "R",
    )
    assert row["items"] == ["samr-conditional", "samr-open"]


async def test_an_answer_with_public_data_alone_is_not_in_the_log(
    served: Served, database_of: asyncpg.Connection
) -> None:
    _, client, shared = served
    held = await token(client, shared, "agency")
    headers = {"Authorization": f"Bearer {held}", "Hub-Purpose": "tender", "X-Request-Id": "a-2"}
    body = {"query": RECORDS, "variables": {"uscc": shared.other}}
    assert (await client.post("/graphql", json=body, headers=headers)).status_code == 200
    assert await database_of.fetchval("select count(*) from access_log where request_id = 'a-2'") == 0


async def test_that_there_are_rows_is_logged_too(served: Served, database_of: asyncpg.Connection) -> None:
    _, client, shared = served
    held = await token(client, shared, "agency")
    for number, asks in enumerate(("pageInfo { hasNextPage }", "edges { cursor }", "edges { node { __typename } }")):
        headers = {"Authorization": f"Bearer {held}", "Hub-Purpose": "tender", "X-Request-Id": f"b-{number}"}
        text = f"query R($uscc: USCC!) {{ subject(uscc: $uscc) {{ records {{ {asks} }} }} }}"
        await client.post("/graphql", json={"query": text, "variables": {"uscc": shared.uscc}}, headers=headers)
        assert await database_of.fetchval("select count(*) from access_log where request_id = $1", f"b-{number}") == 1


async def test_without_the_log_there_is_no_answer(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, client, shared = served
    held = await token(client, shared, "agency")

    async def fails(*_: Any) -> None:
        raise OSError("no disk")

    monkeypatch.setattr(hub.access_log, "keep", fails)
    answer = await asked(client, RECORDS, held, "tender", uscc=shared.uscc)
    assert await codes(answer) == ["OVERLOADED"]
    assert "data" not in answer


async def test_the_log_is_for_the_subject_itself_and_for_auditors(
    served: Served, database_of: asyncpg.Connection
) -> None:
    _, client, shared = served
    await seen(served, "agency", "tender")
    text = (
        "query L($uscc: USCC!) { subject(uscc: $uscc) { accessLog(first: 5) "
        "{ edges { node { id client person purpose items department { code } } } } } }"
    )
    for name, purpose in (("representative", None), ("auditor", "audit")):
        answer = await asked(client, text, await token(client, shared, name), purpose, uscc=shared.uscc)
        clients = {edge["node"]["client"] for edge in answer["data"]["subject"]["accessLog"]["edges"]}
        assert "agency" in clients, name
    anothers = shared.other, await token(client, shared, "representative")
    for uscc, held in ((shared.uscc, None), (shared.uscc, await token(client, shared, "agency")), anothers):
        answer = await asked(client, text, held, uscc=uscc)
        assert answer["data"]["subject"]["accessLog"] is None
        assert await codes(answer) == ["FORBIDDEN"]


async def test_to_a_representative_what_is_closed_of_other_subjects_is_forbidden_at_each_place(
    served: Served, database_of: asyncpg.Connection
) -> None:
    _, client, shared = served
    own, other = [
        await database_of.fetchval("select id from subjects where uscc = $1", code)
        for code in (shared.uscc, shared.other)
    ]
    kept = await make.sanctions_list(database_of)
    entries = [await make.entry(database_of, subject_id=each, list_id=kept) for each in (own, other)]
    name = {"name": "李四", "role": "PRINCIPAL", "basis": "示例", "known_from": make.KNOWN_FROM}
    for entry in entries:
        of_entry = {"subject_id": entry.subject_id, "entry_id": entry.id}
        await make.insert(database_of, "responsible_persons", of_entry | name, "id")
    for number, uscc in enumerate((shared.uscc, "91110000100000000R")):  # the second subject is none that the hub has
        made = await acting.client(
            database_of, Clock(), client_id=f"representing-{number}", kind=ClientKind.REPRESENTATIVE, uscc=uscc,
            scopes=("sanctions:read", "persons:read", "access-log:read"), purposes=(),
        )  # fmt: skip
        shared.secrets[f"representing-{number}"] = made.secret or ""
    text = """query R($usccs: [USCC!]!, $own: USCC!, $ids: [ID!]!, $node: ID!) {
        subjects(usccs: $usccs) {
            who: responsiblePersons { name } log: accessLog { __typename } sanctions { responsiblePersons { name } } }
        subject(uscc: $own) { accessLog { edges { cursor } } sanctions { list { entries { edges { node {
            persons: responsiblePersons { name } } } } } } }
        nodes(ids: $ids) { ... on SanctionsEntry { responsiblePersons { name } } }
        node(id: $node) { ... on Subject { responsiblePersons { name } } ... on SanctionsEntry { basis { kind } } } }"""
    given: dict[str, Any] = {
        "usccs": [shared.uscc, shared.other, "91110000100000000R"], "own": shared.uscc, "node": f"S{other:x}",
        "ids": [f"E{entry.subject_id:x}-{entry.id:x}" for entry in entries],
    }  # fmt: skip
    answer = await asked(client, text, await token(client, shared, "representing-0"), **given)
    persons = [{"name": "李四"}]
    mine, anothers, unknown = answer["data"]["subjects"]
    assert mine["who"] == [{"name": "张三丰"}, *persons]
    assert mine["log"] == {"__typename": "AccessLogConnection"}
    assert mine["sanctions"] == [{"responsiblePersons": persons}]
    assert anothers == {"who": None, "log": None, "sanctions": [{"responsiblePersons": None}]}
    assert unknown is None
    (listed,) = answer["data"]["subject"]["sanctions"]
    assert [edge["node"]["persons"] for edge in listed["list"]["entries"]["edges"]] == [None, persons]
    assert answer["data"]["nodes"] == [{"responsiblePersons": persons}, {"responsiblePersons": None}]
    assert answer["data"]["node"] == {"responsiblePersons": None}
    assert sorted(map(str, (error["path"] for error in answer["errors"]))) == sorted(
        map(
            str,
            (
                ["subjects", 1, "who"],
                ["subjects", 1, "log"],
                ["subjects", 1, "sanctions", 0, "responsiblePersons"],
                ["subject", "sanctions", 0, "list", "entries", "edges", 0, "node", "persons"],
                ["nodes", 1, "responsiblePersons"],
                ["node", "responsiblePersons"],
            ),
        )
    )
    assert {str(error["extensions"]) for error in answer["errors"]} == {
        str({"code": "FORBIDDEN", "requiredScopes": [[scope]]}) for scope in ("persons:read", "access-log:read")
    }
    # Whose subject is not there has nothing of any.
    answer = await asked(client, text, await token(client, shared, "representing-1"), **given)
    assert [one and (one["who"], one["log"]) for one in answer["data"]["subjects"]] == [(None, None)] * 2 + [None]
    assert set(await codes(answer)) == {"FORBIDDEN"}


async def test_ids_and_cursors_of_the_log_do_not_tell_that_there_are_covert_entries(
    served: Served, database_of: asyncpg.Connection
) -> None:
    _, client, shared = served
    subject = int(shared.records["public"].removeprefix("R").partition("-")[0], 16)
    for covert in (False, True, True, False):
        await database_of.execute(
            "insert into access_log (at, client_id, request_id, disclosed_from, subject_id, items)"
            " values (now(), $1, 'covert-1', now() + $2::interval, $3, '{samr-open}')",
            "court" if covert else "seen-1",
            timedelta(days=90 if covert else 0),
            subject,
        )
    text = """query L($uscc: USCC!, $after: String) { subject(uscc: $uscc) {
        accessLog(first: 1, after: $after) { edges { cursor node { id client } } } } }"""
    held, after, seen_ids = await token(client, shared, "representative"), None, []
    for _ in range(2):
        answer = await asked(client, text, held, uscc=shared.uscc, after=after)
        (edge,) = answer["data"]["subject"]["accessLog"]["edges"]
        assert edge["node"]["client"] == "seen-1"
        seen_ids.append(int(edge["node"]["id"].partition("-")[2], 16))
        # Of the row, a cursor holds what stands in the entry: when, and its id.
        after = edge["cursor"]
        assert int(after.rpartition("-")[2], 16) == seen_ids[-1]
    rows = await database_of.fetch("select id from access_log where request_id = 'covert-1'")
    assert set(seen_ids) < {row["id"] for row in rows}
    # Nothing can be counted between them: counted ids would be three apart.
    assert abs(seen_ids[0] - seen_ids[1]) > 1_000


async def test_a_subject_does_not_learn_from_the_log_what_is_proposed_about_it(
    served: Served, database_of: asyncpg.Connection
) -> None:
    _, client, shared = served
    departments = {row["code"]: row["id"] for row in await database_of.fetch("select code, id from departments")}
    item = await database_of.fetchrow("select id as item_id, code as item_code from catalogue_items"
                                      " where code = 'samr-conditional'")  # fmt: skip
    # Not registered, and its record is not shared: a proposal alone makes it visible to the department that keeps the
    # list. A relation leads to it, too.
    subject, other = await make.subject(database_of, status=None), await make.subject(database_of)
    await make.relation(database_of, subject_id=other, related_id=subject)
    code, another = [await database_of.fetchval("select uscc from subjects where id = $1", n) for n in (subject, other)]
    closed = {"public_from": None, "public_until": None, "decided_on": TODAY, **dict(item)}
    foreign = {"department_id": departments["mot"], "source_id": departments["mot"]}
    basis = await make.record(database_of, subject_id=subject, **closed, **foreign)
    kept = await make.sanctions_list(database_of, code="PROPOSING", department_id=departments["samr"])
    entry = await make.entry(
        database_of, subject_id=subject, list_id=kept, status=ListingStatus.PROPOSED, bases=[basis]
    )
    person = {"name": "李四", "role": "PRINCIPAL", "basis": "示例", "known_from": make.KNOWN_FROM, "entry_id": entry.id}
    await make.insert(database_of, "responsible_persons", {"subject_id": subject} | person, "id")
    scopes = ("sanctions:read", "persons:read", "access-log:read")
    for name, more in (
        ("listed", {"kind": ClientKind.REPRESENTATIVE, "uscc": code, "purposes": ()}),
        ("examiner", {"kind": ClientKind.AUDITOR, "purposes": ("audit",)}),
    ):
        made = await acting.client(database_of, Clock(), client_id=name, scopes=scopes, **more)
        shared.secrets[name] = made.secret or ""
    read = """query R($uscc: USCC!, $from: USCC!) {
        subject(uscc: $uscc) { name sanctions(active: false) { status } responsiblePersons { name } records { WHAT } }
        from: subject(uscc: $from) { relatedSubjects { subject { uscc } } } }"""
    log = "query L($uscc: USCC!) { subject(uscc: $uscc) { accessLog(first: 20) { edges { node { client items } } } } }"

    async def reads(name: str, purpose: str, what: str = "__typename") -> Any:
        text, held = read.replace("WHAT", what), await token(client, shared, name)
        return (await asked(client, text, held, purpose, uscc=code, **{"from": another}))["data"]

    async def logged(name: str, purpose: str | None = None) -> list[tuple[str, list[str]]]:
        answer = await asked(client, log, await token(client, shared, name), purpose, uscc=code)
        edges = answer["data"]["subject"]["accessLog"]["edges"]
        return [(edge["node"]["client"], edge["node"]["items"]) for edge in edges]

    for name, purpose in (("owner", "tender"), ("examiner", "audit")):
        answer = await reads(name, purpose)
        assert answer["subject"]["sanctions"] == [{"status": "PROPOSED"}]
        assert answer["subject"]["responsiblePersons"] == [{"name": "李四"}]
        assert answer["from"]["relatedSubjects"] == [{"subject": {"uscc": code}}]
    everything = ["PROPOSING", "persons", "subjects"]
    assert await logged("examiner", "audit") == [("examiner", everything), ("owner", everything)]
    # That an auditor saw readings of which the subject must not know it must not know either.
    assert await logged("listed") == []
    # What is the subject's own to see is told beside it.
    await make.record(
        database_of, subject_id=subject, **closed, department_id=departments["samr"], source_id=departments["samr"]
    )
    await reads("owner", "tender", "edges { node { id } }")
    told = [one for one in await logged("listed") if one[0] != "listed"]
    assert told == [("owner", ["samr-conditional", "subjects"])]
    # Once it has been notified, new readings are told, too.
    await database_of.execute(
        "update sanctions_entries set status = 'NOTIFIED', notified_on = '2026-05-04', revision = revision + 1"
        " where list_id = $1",
        kept,
    )
    await reads("owner", "tender")
    assert next(told for told in await logged("listed") if told[0] == "owner") == (
        "owner", ["PROPOSING", "persons", "samr-conditional", "subjects"]
    )  # fmt: skip


async def test_an_auditor_reads_the_log_for_a_purpose_and_the_subject_its_own_without(served: Served) -> None:
    _, client, shared = served
    await seen(served, "agency", "tender")
    auditor = await token(client, shared, "auditor")
    text = "query L($uscc: USCC!) { subject(uscc: $uscc) { accessLog(first: 1) { edges { node { id } } } } }"
    without = await asked(client, text, auditor, uscc=shared.uscc)
    assert without["data"]["subject"]["accessLog"] is None
    assert [error["extensions"] for error in without["errors"]] == [
        {"code": "PURPOSE_REQUIRED", "field": "subject.accessLog"}
    ]
    said = await asked(client, text, auditor, "audit", uscc=shared.uscc)
    assert "errors" not in said
    number = said["data"]["subject"]["accessLog"]["edges"][0]["node"]["id"]
    node = "query N($id: ID!) { node(id: $id) { id } }"
    assert (await asked(client, node, auditor, "audit", id=number))["data"]["node"] == {"id": number}
    by_id = await asked(client, node, auditor, id=number)
    assert by_id["data"]["node"] is None
    assert await codes(by_id) == ["PURPOSE_REQUIRED"]
    own = await asked(client, text, await token(client, shared, "representative"), uscc=shared.uscc)
    assert "errors" not in own
    assert own["data"]["subject"]["accessLog"]["edges"] != []


async def test_a_feed_shows_everybody_the_same(served: Served) -> None:
    _, client, shared = served
    text = "{ disclosures(first: 50) { edges { node { itemId item { __typename } } } } }"
    anonymous = await asked(client, text, None)
    assert await asked(client, text, await token(client, shared, "auditor"), "audit") == anonymous


async def test_viewer_tells_who_is_calling(served: Served) -> None:
    _, client, shared = served
    text = (
        "{ viewer { client person department { code } subject { uscc } scopes purposes costLeft"
        " grants { owner { code } catalogueItems { code } purposes from until } } }"
    )
    answer = await asked(client, text, await token(client, shared, "agency"))
    viewer = answer["data"]["viewer"]
    assert viewer["costLeft"] > 0
    assert viewer["department"] == {"code": "mem"}
    assert viewer["grants"] == [
        {
            "owner": {"code": "samr"}, "catalogueItems": [{"code": "samr-conditional"}], "purposes": ["tender"],
            "from": "2026-01-01", "until": None,
        }
    ]  # fmt: skip
    nobody = (await asked(client, text, None))["data"]["viewer"]
    assert (nobody["client"], nobody["scopes"], nobody["grants"]) == (None, [], [])
    mine = (await asked(client, text, await token(client, shared, "representative")))["data"]["viewer"]
    assert mine["subject"] == {"uscc": shared.uscc}


@pytest.mark.parametrize("numbers", ["80000000", "7fffffffffffffff", "1-7fffffffffffffff", "7fffffffffffffff-1"])
async def test_an_id_whose_numbers_nothing_has_names_nothing(served: Served, numbers: str) -> None:
    _, client, shared = served
    text = "query N($ids: [ID!]!) { nodes(ids: $ids) { __typename } }"
    ids = [tag + numbers for tag, many in NUMBERS_IN.items() if many == numbers.count("-") + 1]
    for name, purpose in ((None, None), ("owner", "tender"), ("auditor", "audit")):
        held = None if name is None else await token(client, shared, name)
        answer = await asked(client, text, held, purpose, ids=ids)
        assert answer["data"] == {"nodes": [None] * len(ids)}
