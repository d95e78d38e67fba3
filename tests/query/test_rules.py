"""Rules that look at a document together say what graphql-core's `validate` says with each of them apart."""

from collections.abc import Iterable
from functools import cache

import pytest
from graphql import DocumentNode, GraphQLSchema, parse, validate

from hub.query.rules import CLOSED, OPEN, Openness, faults_of
from hub.schema import build

# A document for each way of being wrong that the schema allows, and some with several at once.
FAULTY = (
    "{ nothing }",
    "{ subject(uscc: 5) { name } }",
    "{ subject { name } }",
    '{ subject(uscc: "a", code: "b") { name } }',
    '{ subject(uscc: "a", uscc: "a") { name } }',
    '{ subject(uscc: "a") }',
    '{ subject(uscc: "a") { name { first } } }',
    '{ subject(uscc: "a") { name: status name } }',
    '{ subject(uscc: "a") { name @never } }',
    '{ subject(uscc: "a") { name @skip(if: true) @skip(if: false) } }',
    '{ subject(uscc: "a") @skip { name } }',
    '{ subject(uscc: "a") { ...Nobody } }',
    '{ subject(uscc: "a") { ...A } } fragment A on Subject { name ...B } fragment B on Subject { ...A }',
    '{ subject(uscc: "a") { name } } fragment Unused on Subject { name }',
    '{ subject(uscc: "a") { ...A } } fragment A on Department { code }',
    '{ subject(uscc: "a") { ...A } } fragment A on Subject { name } fragment A on Subject { status }',
    '{ subject(uscc: "a") { ... on USCC { name } } }',
    '{ subject(uscc: "a") { ... on Nobody { name } } }',
    "query A { nodes(ids: []) { id } } query A { nodes(ids: []) { id } }",
    "{ nodes(ids: []) { id } } query B { nodes(ids: []) { id } }",
    "query ($a: USCC!, $a: USCC!) { subject(uscc: $a) { name } }",
    "query ($a: USCC!, $b: Int) { subject(uscc: $a) { name } }",
    "query { subject(uscc: $a) { name } }",
    "query ($a: Subject) { subject(uscc: $a) { name } }",
    "query ($a: Nobody) { subject(uscc: $a) { name } }",
    "query ($a: String) { subject(uscc: $a) { name } }",
    'query ($a: USCC = "a") { subject(uscc: $a) { name } }',
    "{ records(filter: {kind: COMPLAINT, kind: HONOR}) { edges { cursor } } }",
    "{ records(filter: {nothing: 1}) { edges { cursor } } }",
    "mutation { nothing }",
    "subscription { nothing }",
    "type Query { nothing: Int }",
    "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }",
    "{ a: subject(uscc: 1) { no x: y } b: nobody ...C ...D } fragment C on Query { no } query ($z: Z) { subject }",
)
SOUND = (
    (
        'query ($skip: Boolean = true) { subject(uscc: "91110000600037341L") { ...S @skip(if: $skip) } } '
        "fragment S on Subject { name records(first: 1) { edges { node { id ... on AdministrativePenalty { id } } } } }"
    ),
    "{ __schema { queryType { name } } }",
)
# The schema has nothing that these could be broken with; `MaxIntrospectionDepthRule` is broken above.
UNBREAKABLE = {
    "DeferStreamDirectiveLabel",
    "DeferStreamDirectiveOnRootField",
    "DeferStreamDirectiveOnValidOperationsRule",
    "StreamDirectiveOnListField",
    "SingleFieldSubscriptionsRule",
}


@cache
def schema() -> GraphQLSchema:
    return build()[1].schema


def apart(document: DocumentNode, rules: Iterable[type]) -> list[str]:
    found = validate(schema(), document, tuple(rules), max_errors=50)
    return [f"{error.message} {error.locations}" for error in found]


@pytest.mark.parametrize("text", FAULTY + SOUND)
@pytest.mark.parametrize("introspection", [True, False])
def test_rules_together_say_what_they_say_apart(text: str, introspection: bool) -> None:
    document = parse(text)
    rules = OPEN if introspection else CLOSED
    together = faults_of(schema(), document, Openness(introspection=introspection))

    assert [f"{error.message} {error.locations}" for error in together] == apart(document, rules.rules)


@pytest.mark.parametrize("text", SOUND)
def test_a_sound_document_has_no_fault(text: str) -> None:
    assert faults_of(schema(), parse(text), Openness()) == []


@pytest.mark.parametrize("rule", CLOSED.rules, ids=lambda rule: rule.__name__)
def test_every_rule_is_broken_by_one_of_the_documents(rule: type) -> None:
    broken = any(apart(parse(text), [rule]) for text in FAULTY + SOUND)

    assert broken is (rule.__name__ not in UNBREAKABLE)
