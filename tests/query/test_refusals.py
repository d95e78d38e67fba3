"""What is wrong with a request is said before any work, by a code and in words that name the place, never the value."""

import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hub.store.engine import connect
from tests import make
from tests.query.asking import Asker

BAD = "BAD_USER_INPUT"
DEAR = "COST_EXCEEDED"
# The example of the national standard: a well-formed number that belongs to nobody.
NUMBER = "11010519491231002X"
HUAWEI = "914403001922038216"
PAGE = "{ pageInfo { endCursor } }"
A_RECORD, AN_ENTRY, A_LINE = "records-b4984-1", "entries-1", "disclosures-650b719a8e400-1"


@pytest.fixture(scope="module")
async def asker(shared_database: str) -> AsyncIterator[Asker]:
    connection = await connect(shared_database)
    await make.subject(connection, uscc=HUAWEI)
    yield Asker(connection)
    await connection.close()


async def refused(asker: Asker, text: str, variables: Any = None, name: str | None = None) -> dict[str, Any]:
    """The only error of a request; PostgreSQL must not have heard of it."""
    errors = await asker.errors(text, variables, name)
    assert len(errors) == 1, errors
    assert not asker.sent
    return errors[0]


# ------------------------------------------------------------------------------------------ arguments


@pytest.mark.parametrize(
    ("text", "says"),
    [
        # Pages.
        (f"{{ records(first: -1) {PAGE} }}", "Argument first is out of range: between 0 and 500"),
        (f"{{ records(first: 501) {PAGE} }}", "Argument first is out of range: between 0 and 500"),
        (f"{{ records(last: 501) {PAGE} }}", "Argument last is out of range"),
        (f"{{ disclosures(first: 501) {PAGE} }}", "Argument first is out of range"),
        (f"{{ records(first: 1, last: 1) {PAGE} }}", "first and last"),
        (f'{{ records(first: 1, before: "{A_RECORD}") {PAGE} }}', "Argument before does not go with first"),
        (f'{{ records(before: "{A_RECORD}") {PAGE} }}', "Argument before does not go with first"),
        (f'{{ records(last: 1, after: "{A_RECORD}") {PAGE} }}', "Argument after does not go with last"),
        (f'{{ subject(uscc: "{HUAWEI}") {{ records(first: 501) {PAGE} }} }}', "between 0 and 500"),
        (f'{{ subjects(usccs: ["{HUAWEI}"]) {{ records(first: 101) {PAGE} }} }}', "between 0 and 100"),
        (f"{{ sanctionsLists {{ entries(last: 101) {PAGE} }} }}", "Argument last is out of range: between 0 and 100"),
        # Cursors.
        (f'{{ records(after: "{AN_ENTRY}") {PAGE} }}', "Argument after is not a cursor of this list"),
        (f'{{ records(after: "{A_LINE}") {PAGE} }}', "Argument after is not a cursor of this list"),
        (f'{{ disclosures(after: "{A_RECORD}") {PAGE} }}', "Argument after is not a cursor of this list"),
        (f'{{ records(last: 1, before: "{A_RECORD}0000000000000000") {PAGE} }}', "Argument before is not a cursor"),
        (f'{{ records(after: "{A_RECORD.upper()}") {PAGE} }}', "Argument after is not a cursor"),
        (f'{{ records(after: "{A_RECORD}-1") {PAGE} }}', "Argument after is not a cursor"),
        (f'{{ records(after: "") {PAGE} }}', "Argument after is not a cursor"),
        (f'{{ sanctionsLists {{ entries(after: "entries-0x1") {PAGE} }} }}', "Argument after is not a cursor"),
        # Codes, ids, days, words, numbers.
        ('{ subject(uscc: "914403001922038215") { name } }', "Argument uscc: "),
        ('{ subject(uscc: "") { name } }', "Argument uscc: "),
        ("{ subject(uscc: 914403001922038216) { name } }", "Argument uscc: "),
        (f'{{ subjects(usccs: ["{HUAWEI}", "1", "{HUAWEI}"]) {{ name }} }}', "Argument usccs[1]: "),
        ('{ node(id: "UzoxOjI") { id } }', "Argument id is not an id of this hub"),
        ('{ nodes(ids: ["S1", "S0"]) { id } }', "Argument ids[1] is not an id of this hub"),
        (f'{{ records(filter: {{ decidedFrom: "2026-02-30" }}) {PAGE} }}', "Argument filter.decidedFrom: "),
        (f'{{ records(filter: {{ decidedTo: "1899-12-31" }}) {PAGE} }}', "Argument filter.decidedTo: "),
        (f'{{ records(filter: {{ decidedTo: "2026-W01-1" }}) {PAGE} }}', "Argument filter.decidedTo: "),
        (f'{{ records(filter: {{ decidedTo: "20260101" }}) {PAGE} }}', "Argument filter.decidedTo: "),
        (f"{{ records(filter: {{ kinds: [HONOR, HONOUR] }}) {PAGE} }}", "Argument filter.kinds[1]: "),
        (f'{{ records(filter: {{ kinds: "HONOR" }}) {PAGE} }}', "Argument filter.kinds: "),
        (f"{{ records(filter: {{ kinds: [null] }}) {PAGE} }}", "Argument filter.kinds[0]: "),
        (f"{{ records(filter: {{ unknown: 1 }}) {PAGE} }}", "Argument filter: "),
        (f"{{ records(filter: [1]) {PAGE} }}", "Argument filter: "),
        (f"{{ records(first: 99999999999) {PAGE} }}", "Argument first: "),
        (f"{{ records(first: 1.5) {PAGE} }}", "Argument first: "),
        (f'{{ records(first: "1") {PAGE} }}', "Argument first: "),
        ("{ subject(uscc: null) { name } }", "Argument uscc: "),
        ("{ subjects(usccs: [null]) { name } }", "Argument usccs[0]: "),
        ("{ sanctionsLists(kind: ODD) { code } }", "Argument kind: "),
        ('{ sanctionsList(code: "a\\u0000b") { code } }', "NUL"),
        ("{ sanctionsList(code: 1) { code } }", "Argument code: "),
        # Representations.
        ("{ _entities(representations: [7]) { __typename } }", "Argument representations[0] is not an object"),
        ("{ _entities(representations: [{}]) { __typename } }", "Argument representations[0] is not an object"),
        ('{ _entities(representations: [{__typename: "Evaluation"}]) { __typename } }', "representations[0] names"),
        ('{ _entities(representations: [{__typename: "Subject"}]) { __typename } }', "needs a key uscc or id"),
        (
            '{ _entities(representations: [{__typename: "Region", code: 1}]) { __typename } }',
            "code that is not a string",
        ),
        ('{ _entities(representations: [{__typename: "Honor", id: "S"}]) { __typename } }', "[0] is not an id"),
        ('{ _entities(representations: [{__typename: "Subject", uscc: "1"}]) { __typename } }', "[0] has a key uscc"),
    ],
)
async def test_a_bad_argument_is_named(asker: Asker, text: str, says: str) -> None:
    error = await refused(asker, text)
    assert error["extensions"]["code"] == BAD
    assert says in error["message"]


@pytest.mark.parametrize(
    ("declared", "used", "given", "says"),
    [
        ("USCC!", "subject(uscc: $v) { name }", "1", "Argument uscc ($v): "),
        ("USCC!", "subject(uscc: $v) { name }", None, "Argument uscc ($v): "),
        ("[USCC!]!", "subjects(usccs: $v) { name }", [HUAWEI, "1"], "Argument usccs[1] ($v[1]): "),
        ("[USCC!]!", "subjects(usccs: $v) { name }", [HUAWEI, None], "Argument usccs[1] ($v[1]): "),
        ("USCC!", f'subjects(usccs: ["{HUAWEI}", $v]) {{ name }}', "1", "Argument usccs[1] ($v): "),
        ("Int", f"records(first: $v) {PAGE}", 2**31, "Argument first ($v): "),
        ("Int", f"records(first: $v) {PAGE}", 1e400, "Argument first ($v): "),
        ("Int", f"records(first: $v) {PAGE}", "1", "Argument first ($v): "),
        ("Int", f"records(first: $v) {PAGE}", True, "Argument first ($v): "),
        ("Int", f"records(first: $v) {PAGE}", [1], "Argument first ($v): "),
        ("RecordFilter", f"records(filter: $v) {PAGE}", {"kinds": ["HONOR", "x"]}, "filter.kinds[1] ($v.kinds[1]): "),
        ("RecordFilter", f"records(filter: $v) {PAGE}", {"decidedTo": "x"}, "filter.decidedTo ($v.decidedTo): "),
        ("RecordFilter", f"records(filter: $v) {PAGE}", {"no": 1}, "Argument filter ($v): RecordFilter has only"),
        ("RecordFilter", f"records(filter: $v) {PAGE}", "x", "Argument filter ($v): "),
        ("Date", f"records(filter: {{ decidedFrom: $v }}) {PAGE}", "x", "Argument filter.decidedFrom ($v): "),
        ("[RecordKind!]", f"records(filter: {{ kinds: $v }}) {PAGE}", ["x"], "Argument filter.kinds[0] ($v[0]): "),
        ("RecordKind!", f"records(filter: {{ kinds: [HONOR, $v] }}) {PAGE}", 1, "Argument filter.kinds[1] ($v): "),
        ("Boolean!", "catalogue { code @include(if: $v) }", "yes", "Argument if ($v): "),
        ("Boolean!", "...F } fragment F on Query { catalogue { code @skip(if: $v) }", 1, "Argument if ($v): "),
        ("String!", "sanctionsList(code: $v) { code }", "\0", "Argument code ($v): "),
        ("String!", "sanctionsList(code: $v) { code }", "\ud800", "Argument code ($v): "),
        ("String!", "sanctionsList(code: $v) { code }", {"a": 1}, "Argument code ($v): "),
        ("ID!", "node(id: $v) { id }", 1.5, "Argument id ($v): "),
        # What only shows when the field is planned.
        ("ID!", "node(id: $v) { id }", 1, "Argument id is not an id"),
        ("Int", f'subject(uscc: "{HUAWEI}") {{ records(first: $v) {PAGE} }}', 501, "Argument first is out of range"),
        ("Int", f"records(last: $v) {PAGE}", -1, "Argument last is out of range"),
        ("String", f"records(after: $v) {PAGE}", AN_ENTRY, "Argument after is not a cursor"),
        ("[USCC!]!", "subjects(usccs: $v) { name }", [HUAWEI] * 501, "Argument usccs holds more than 500 values"),
        ("[ID!]!", "nodes(ids: $v) { id }", ["S1"] * 501, "Argument ids holds more than 500 values"),
        (
            "[String!]",
            f"records(filter: {{ departments: $v }}) {PAGE}",
            ["x"] * 501,
            "Argument filter.departments holds",
        ),
        ("[_Any!]!", "_entities(representations: $v) { __typename }", [{}] * 501, "Argument representations holds"),
        ("[_Any!]!", "_entities(representations: $v) { __typename }", [{"__typename": ["x"]}], "representations[0]"),
        (
            "[_Any!]!",
            "_entities(representations: $v) { __typename }",
            [{"__typename": "Region", "code": "1\0"}],
            "representations[0] has a key code that holds NUL",
        ),
        # A default lets a nullable variable stand where null may not.
        ('USCC = "914403001922038216"', "subject(uscc: $v) { name }", None, "Argument uscc ($v): "),
        ("[USCC!] = []", "subjects(usccs: $v) { name }", None, "Argument usccs ($v): "),
        ("[_Any!] = []", "_entities(representations: $v) { __typename }", None, "Argument representations ($v): "),
        ("RecordKind = HONOR", f"records(filter: {{ kinds: [$v] }}) {PAGE}", None, "Argument filter: "),
        (
            "Boolean = true",
            "catalogue { code @include(if: $v) }",
            None,
            "Argument if ($v): A value is needed, not null.",
        ),
    ],
)
async def test_a_bad_variable_is_named_with_the_argument_that_uses_it(
    asker: Asker, declared: str, used: str, given: Any, says: str
) -> None:
    error = await refused(asker, f"query Q($v: {declared}) {{ {used} }}", {"v": given})
    assert error["extensions"]["code"] == BAD
    assert says in error["message"]


async def test_a_variable_that_is_needed_and_missing_is_named(asker: Asker) -> None:
    error = await refused(asker, "query ($codes: [USCC!]!) { subjects(usccs: $codes) { name } }", {})
    assert error["message"].startswith("Argument usccs ($codes): ")


async def test_every_bad_value_of_a_list_is_named(asker: Asker) -> None:
    text = "query ($codes: [USCC!]!) { subjects(usccs: $codes) { name } }"
    errors = await asker.errors(text, {"codes": ["1", HUAWEI, "2"]})
    assert [error["message"].partition(":")[0] for error in errors] == [
        "Argument usccs[0] ($codes[0])",
        "Argument usccs[2] ($codes[2])",
    ]
    errors = await asker.errors('{ nodes(ids: ["x", "S1", "y"]) { id } }')
    assert [error["message"] for error in errors] == [
        "Argument ids[0] is not an id of this hub.",
        "Argument ids[2] is not an id of this hub.",
    ]
    assert [error["path"] for error in errors] == [["nodes"], ["nodes"]]


async def test_thousands_of_bad_values_are_not_all_told(asker: Asker) -> None:
    errors = await asker.errors("query ($c: [USCC!]!) { subjects(usccs: $c) { name } }", {"c": ["1"] * 9_999})
    assert 0 < len(errors) <= 50


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        (f"{{ disclosures(first: [1]) {PAGE} }}", "[1]"),
        (f"{{ disclosures(first: {{a: 1}}) {PAGE} }}", "{a: 1}"),
        (f'{{ records(filter: {{catalogueItems: ["x", {{a: 1}}]}}) {PAGE} }}', "{a: 1}"),
        (f"{{ records(filter: {{catalogueItems: {{a: 1}}}}) {PAGE} }}", "{a: 1}"),
        (f"{{ disclosures(filter: {{kinds: [[PUBLISHED]]}}) {PAGE} }}", "[PUBLISHED]"),
        (f"{{ disclosures @include(if: [1]) {PAGE} }}", "[1]"),
    ],
)
async def test_a_list_or_an_object_in_the_place_of_a_word_is_found_in_the_text(
    asker: Asker, text: str, literal: str
) -> None:
    error = await refused(asker, text)
    assert error["locations"] == [{"line": 1, "column": text.index(literal) + 1}]


async def test_a_refusal_says_where_by_the_keys_of_the_answer(asker: Asker) -> None:
    text = f'{{ who: subject(uscc: "{HUAWEI}") {{ all: records(first: 5, after: "x") {PAGE} }} }}'
    assert (await refused(asker, text))["path"] == ["who", "all"]


@pytest.mark.parametrize("name", ["S", "L", "R1-", "E1-", "D1-", "C1-", "R7fffffffffffffff-"])
async def test_an_id_that_nothing_has_is_null_however_large(asker: Asker, name: str) -> None:
    given = {"id": name + "7fffffffffffffff"}
    assert await asker.data("query ($id: ID!) { node(id: $id) { id } }", given) == {"node": None}


@pytest.mark.parametrize(
    ("listed", "cursor"),
    [
        ("records", "records-37b9db-7fffffffffffffff"),
        ("disclosures", "disclosures-38444fffffff00-7fffffffffffffff"),
        ('searchSubjects(name: "科技")', "search-7fffffffffffffff-7fffffffffffffff-7fffffffffffffff"),
    ],
)
async def test_a_cursor_that_nothing_has_is_a_place_however_large(asker: Asker, listed: str, cursor: str) -> None:
    name, _, more = listed.partition("(")
    text = f'{{ {name}(after: "{cursor}", {more or ")"} {{ edges {{ cursor }} }} }}'
    assert await asker.data(text) == {name: {"edges": []}}


# ------------------------------------------------------------------------------------------ documents


@pytest.mark.parametrize(
    ("text", "name", "says"),
    [
        ("", None, "Syntax Error"),
        ("{", None, "Syntax Error"),
        ("fragment A on Query { __typename }", None, "never used"),
        ("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }", None, "within itself"),
        ("{ ...A }", None, "Unknown fragment"),
        ("query A { __typename } query B { __typename }", None, "operationName"),
        ("query A { __typename }", "B", "operationName"),
        ("{ __typename }", "A", "operationName"),
        ("query A { __typename } query A { __typename }", "A", "only one operation"),
        ("mutation { submitRecords }", None, "Cannot query field"),
        ("subscription { disclosurePublished { cursor } }", None, "subscription"),
        ("{ unknown }", None, "Cannot query field"),
        ("{ catalogue }", None, "selection of subfields"),
        ("{ catalogue { code { x } } }", None, "no subfields"),
        ("{ catalogue(first: 1) { code } }", None, "Unknown argument"),
        ("{ subject { name } }", None, "required"),
        ("{ catalogue { code @odd } }", None, "Unknown directive"),
        ("query ($a: Int) { __typename }", None, "never used"),
        ("query ($a: Odd) { node(id: $a) { id } }", None, "Unknown type"),
        ("{ node(id: $a) { id } }", None, "not defined"),
        ("query ($a: String) { node(id: $a) { id } }", None, "used in position"),
        ("{ a: catalogue { code } a: departments { code } }", None, "conflict"),
        ('{ node(id: "S1") { ... on Region { code } } }', None, "cannot be spread"),
        ('query ($a: USCC = "1") { subject(uscc: $a) { name } }', None, "The default of $a"),
        ("extend type Query { x: Int }", None, "not executable"),
    ],
)
async def test_a_faulty_document_is_refused(asker: Asker, text: str, name: str | None, says: str) -> None:
    errors = await asker.errors(text, None, name)
    assert not asker.sent
    assert {error["extensions"]["code"] for error in errors} == {BAD}
    assert any(says in error["message"] for error in errors), errors


def nested(opening: str, inside: str, levels: int) -> str:
    return opening * levels + inside + "}" * opening.count("{") * levels


@pytest.mark.parametrize(
    "text",
    [
        f"{{ {nested('... { ', '__typename ', 3_000)} }}",
        f"{{ {nested('... { ', '__typename ', 200)} }}",
        f"{{ departments {{ {nested('parent { ', 'code ', 100)} }} }}",
        f"{{ departments {{ {nested('catalogue { departments { ', 'code ', 6)} }} }}",
        f"{{ records(first: 500) {{ edges {{ node {{ subject {{ records(first: 100) {PAGE} }} }} }} }} }}",
        "{ " + " ".join(f"a{number}: __typename" for number in range(2_000)) + " }",
        "{ ...A0 } "
        + " ".join(f"fragment A{n} on Query {{ ...A{n + 1} ...A{n + 1} }}" for n in range(30))
        + " fragment A30 on Query { __typename }",
        f"{{ _entities(representations: {'[' * 500}{']' * 500}) {{ __typename }} }}",
        f"{{ __schema {nested('{ types { fields { type ', '{ name }', 20)} }}",
    ],
)
async def test_an_operation_of_any_size_is_answered_or_refused_in_words(asker: Asker, text: str) -> None:
    errors = await asker.errors(text)
    assert {error["extensions"]["code"] for error in errors} <= {BAD, DEAR}


async def test_what_may_read_too_many_rows_is_refused_as_too_dear(asker: Asker) -> None:
    records = "records(first: 100) { edges { node { revisions { at } } } }"
    text = f"{{ records(first: 500) {{ edges {{ node {{ subject {{ {records} }} }} }} }} }}"
    assert (await refused(asker, text))["extensions"]["code"] == DEAR


# --------------------------------------------------------------------------------------- nothing echoed

PLACES: list[tuple[str, Any, str | None]] = [
    (f'{{ subject(uscc: "{NUMBER}") {{ name }} }}', None, None),
    (f"{{ subject(uscc: {NUMBER}) {{ name }} }}", None, None),
    (f"{{ subject(uscc: {NUMBER[:17]}) {{ name }} }}", None, None),
    (f'{{ subject(uscc: "{NUMBER}) {{ name }} }}', None, None),
    (f'{{ subject(uscc: """{NUMBER}""") {{ name }} "{NUMBER}" }}', None, None),
    (f'{{ "{NUMBER}" }}', None, None),
    (f"{{ {NUMBER} }}", None, None),
    (f"{{ x{NUMBER} }}", None, None),
    (f"{{ catalogue(x{NUMBER}: 1) {{ code }} }}", None, None),
    (f"{{ catalogue {{ code @x{NUMBER} }} }}", None, None),
    (f"{{ ...x{NUMBER} }}", None, None),
    (f"{{ ... on x{NUMBER} {{ id }} }}", None, None),
    (f"query x{NUMBER} {{ x }}", None, None),
    (f"query ($x{NUMBER}: Int) {{ __typename }}", None, None),
    (f"query ($x: x{NUMBER}) {{ node(id: $x) {{ id }} }}", None, None),
    ("{ __typename }", None, NUMBER),
    (f'{{ nodes(ids: ["{NUMBER}", "S1"]) {{ id }} }}', None, None),
    (f'{{ records(after: "{NUMBER}") {PAGE} }}', None, None),
    (f'{{ records(filter: {{ decidedFrom: "{NUMBER}" }}) {PAGE} }}', None, None),
    (f"{{ records(filter: {{ kinds: [x{NUMBER}] }}) {PAGE} }}", None, None),
    (f"{{ records(filter: {{ x{NUMBER}: 1 }}) {PAGE} }}", None, None),
    (f'{{ records(filter: "{NUMBER}") {PAGE} }}', None, None),
    (f"{{ records(first: {NUMBER[:17]}) {PAGE} }}", None, None),
    (f'{{ _entities(representations: ["{NUMBER}"]) {{ __typename }} }}', None, None),
    (f'{{ _entities(representations: [{{ __typename: "{NUMBER}" }}]) {{ __typename }} }}', None, None),
    (f'{{ _entities(representations: [{{ __typename: "Subject", uscc: "{NUMBER}" }}]) {{ __typename }} }}', None, None),
    (f'{{ _entities(representations: [{{ __typename: "Subject", id: "{NUMBER}" }}]) {{ __typename }} }}', None, None),
    (f'query ($v: USCC = "{NUMBER}") {{ subject(uscc: $v) {{ name }} }}', None, None),
    ("query ($v: USCC!) { subject(uscc: $v) { name } }", {"v": NUMBER}, None),
    ("query ($v: [USCC!]!) { subjects(usccs: $v) { name } }", {"v": [NUMBER]}, None),
    ("query ($v: [USCC!]!) { subjects(usccs: $v) { name } }", {"v": {NUMBER: NUMBER}}, None),
    ("query ($v: ID!) { node(id: $v) { id } }", {"v": NUMBER}, None),
    ("query ($v: ID!) { node(id: $v) { id } }", {"v": int(NUMBER[:17])}, None),
    (f"query ($v: String) {{ records(after: $v) {PAGE} }}", {"v": NUMBER}, None),
    (f"query ($v: Int) {{ records(first: $v) {PAGE} }}", {"v": int(NUMBER[:17])}, None),
    (f"query ($v: Date) {{ records(filter: {{ decidedTo: $v }}) {PAGE} }}", {"v": NUMBER}, None),
    (f"query ($v: RecordFilter) {{ records(filter: $v) {PAGE} }}", {"v": {NUMBER: 1}}, None),
    (f"query ($v: RecordFilter) {{ records(filter: $v) {PAGE} }}", {"v": {"kinds": [NUMBER]}}, None),
    ("query ($v: SanctionsListKind) { sanctionsLists(kind: $v) { code } }", {"v": NUMBER}, None),
    ("query ($v: Boolean!) { catalogue { code @skip(if: $v) } }", {"v": NUMBER}, None),
    ("query ($v: [_Any!]!) { _entities(representations: $v) { __typename } }", {"v": [NUMBER]}, None),
]


@pytest.mark.parametrize(("text", "variables", "name"), PLACES)
async def test_an_identity_number_in_any_place_is_refused_and_never_repeated(
    asker: Asker, caplog: pytest.LogCaptureFixture, text: str, variables: Any, name: str | None
) -> None:
    with caplog.at_level(logging.DEBUG, logger="hub"):
        errors = await asker.errors(text, variables, name)
    assert errors
    assert {error["extensions"]["code"] for error in errors} == {BAD}
    assert NUMBER[:17] not in json.dumps(errors)
    assert NUMBER[:17] not in caplog.text
