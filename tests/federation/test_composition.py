"""The hub's SDL composes with partners' subgraphs, by each of the three composers in use."""

from collections.abc import Mapping

import pytest
from graphql import InterfaceTypeDefinitionNode, ObjectTypeDefinitionNode, parse

from hub.schema import sdl
from hub.store.labels import RecordKind
from tests.federation.composers import HERE, NAMES, Composed, Subgraph, compose

RELAY = Subgraph("inspections", (HERE / "relay_partner.graphql").read_text())
NOTES = Subgraph("notes", (HERE / "notes_partner.graphql").read_text())


SECOND_NODE = Subgraph(RELAY.name, RELAY.sdl.replace("type Query {", "type Query {\n  node(id: ID!): Node"))
PARTNERS = {"none": (), "relay": (RELAY,), "notes": (NOTES,), "both": (RELAY, NOTES), "second node": (SECOND_NODE,)}

Answers = Mapping[str, Composed]


@pytest.fixture(scope="module", params=NAMES)
def composed(request: pytest.FixtureRequest) -> Answers:
    """What one of the composers says of the hub with each of the partners."""
    answers = compose(request.param, [(Subgraph("hub", sdl()), *partners) for partners in PARTNERS.values()])
    for partners, answer in zip(PARTNERS, answers, strict=True):
        for hint in answer.hints:
            print(f"{request.param}, {partners}: {hint}")
    return dict(zip(PARTNERS, answers, strict=True))


def fields(supergraph: str, type_name: str) -> set[str]:
    """The names of the fields that a type has in a supergraph."""
    named = next(
        definition.fields or ()
        for definition in parse(supergraph).definitions
        if isinstance(definition, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode)
        and definition.name.value == type_name
    )
    return {field.name.value for field in named}


def record_types() -> list[str]:
    return ["".join(word.capitalize() for word in kind.value.split("_")) for kind in RecordKind]


def test_the_hub_composes_alone(composed: Answers) -> None:
    answer = composed["none"]

    assert answer.errors == ()
    assert "subject" in fields(answer.supergraph, "Query")


def test_a_relay_partner_extends_subject_department_and_one_kind_of_record(composed: Answers) -> None:
    answer = composed["relay"]

    assert answer.errors == ()
    assert {"inspections", "records"} <= fields(answer.supergraph, "Subject")
    assert {"inspectors", "name"} <= fields(answer.supergraph, "Department")
    assert {"inspections", "fineAmount"} <= fields(answer.supergraph, "AdministrativePenalty")
    assert "inspections" not in fields(answer.supergraph, "AdministrativeLicense")


def test_a_partner_extends_every_kind_of_record_through_the_interface(composed: Answers) -> None:
    answer = composed["notes"]

    assert answer.errors == ()
    for name in ["CreditRecord", *record_types()]:
        assert {"notes", "documentNumber"} <= fields(answer.supergraph, name), name


def test_both_partners_compose_together(composed: Answers) -> None:
    answer = composed["both"]

    assert answer.errors == ()
    assert {"notes", "inspections"} <= fields(answer.supergraph, "AdministrativePenalty")


def test_node_stays_the_hubs_own(composed: Answers) -> None:
    assert SECOND_NODE.sdl != RELAY.sdl
    assert any("node" in error for error in composed["second node"].errors)


def test_the_lock_file_names_no_host() -> None:
    lock = (HERE / "package-lock.json").read_text()

    assert '"resolved"' not in lock
