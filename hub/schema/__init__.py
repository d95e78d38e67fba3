"""The public contract: assembles Query, the federation keys and the catalogue of sources."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, Final

import strawberry
from graphql import GraphQLSchema

from hub.commands.grants import REASON_CHARACTERS_MAX
from hub.query.catalog import (
    ByIds,
    ByKey,
    ByKeys,
    ByRepresentations,
    Catalogue,
    Constant,
    EntityKey,
    Filter,
    Many,
    OfCaller,
    Performed,
    RowOf,
    Source,
    sourced,
    with_arguments,
)
from hub.schema import words  # noqa: F401  (describes the enums)
from hub.schema.access import GrantAccessInput, GrantPayload, RevokeAccessInput, Viewer
from hub.schema.departments import DEPARTMENT_ORDER, ITEM_ORDER, CatalogueItem, Department, in_force
from hub.schema.disclosure import DISCLOSURE_FILTER, OLDEST, DisclosureConnection, DisclosureFilter
from hub.schema.paging import After, Before, First, Last, Node
from hub.schema.records import (
    KINDS,
    NEWEST,
    RECORD_FILTER,
    CreditRecordConnection,
    RecordFilter,
)
from hub.schema.sanctions import LISTS, MEASURES, Measure, SanctionsList
from hub.schema.scalars import CONFIG, USCC
from hub.schema.search import SEARCH, SubjectFilter, SubjectSearchConnection
from hub.schema.subjects import Subject
from hub.store import departments as department_tables
from hub.store import disclosure as disclosure_tables
from hub.store import records as record_tables
from hub.store import reference
from hub.store import sanctions as sanction_tables
from hub.store import subjects as subject_tables
from hub.store.access_log import access_log
from hub.store.departments import catalogue_items, departments, grants
from hub.store.disclosure import disclosures
from hub.store.labels import MeasureCategory, SanctionsListKind
from hub.store.records import record_revisions, records
from hub.store.sanctions import listing_bases, listing_steps, measures, sanctions_entries, sanctions_lists
from hub.store.subjects import commitments, evaluations, responsible_persons, subject_relations, subjects

FEDERATION: Final = "2.9"


@strawberry.type(description="What can be asked.")
class Query:
    @with_arguments(ByIds("id", single=True))
    def node(
        self, id: Annotated[strawberry.ID, strawberry.argument(description="A global id that this hub gave.")]
    ) -> Node | None:
        """The thing that a global id names; null where it is unknown or not visible."""

    @with_arguments(ByIds("ids", single=False))
    def nodes(
        self,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="At most 500 global ids.")],
    ) -> list[Node | None]:
        """The things that global ids name, in their order, null where unknown or not visible."""

    @with_arguments(ByKey(subject_tables.subjects, subject_tables.subjects.c.uscc, "uscc"))
    def subject(
        self, uscc: Annotated[USCC, strawberry.argument(description="Its unified social credit code.")]
    ) -> Subject | None:
        """One subject by its code: visible when it is registered, or has one item that the caller may see."""

    @with_arguments(ByKeys(subject_tables.subjects, subject_tables.subjects.c.uscc, "usccs"))
    def subjects(
        self,
        usccs: Annotated[
            list[USCC], strawberry.argument(description="At most 500 codes; each that is malformed is named.")
        ],
    ) -> list[Subject | None]:
        """A batch of subjects: positions and duplicates are kept, null where unknown."""

    @with_arguments(SEARCH)
    def search_subjects(
        self,
        name: Annotated[
            str,
            strawberry.argument(
                description="A name or a part of one, present or former, Chinese or Latin, with or without the legal"
                " form (有限公司), brackets of any width; a character may be wrong, missing or swapped. 2 to 200"
                " characters."
            ),
        ],
        filter: Annotated[SubjectFilter | None, strawberry.argument(description="Which subjects to find.")] = None,
        first: First = None,
        after: After = None,
    ) -> SubjectSearchConnection:
        """Subjects by name, those whose names fit best first; never by a person's name."""

    @with_arguments(Many(record_tables.records, order=NEWEST, filters={"filter": RECORD_FILTER}))
    def records(
        self,
        filter: Annotated[RecordFilter | None, strawberry.argument(description="Which records to show.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> CreditRecordConnection:
        """Credit records of all subjects, newest decision first."""

    catalogue: list[CatalogueItem] = sourced(
        Many(department_tables.catalogue_items, where=in_force, order=ITEM_ORDER, rows_expected=100),
        "The catalogue (信用信息目录): the versions in force.",
    )
    departments: list[Department] = sourced(
        Many(department_tables.departments, order=DEPARTMENT_ORDER, rows_expected=100),
        "Every department, former ones too.",
    )

    @with_arguments(
        Many(
            sanction_tables.sanctions_lists,
            order=LISTS,
            rows_expected=30,
            filters={"kind": Filter(lambda row, given: row.c.kind == given)},
        )
    )
    def sanctions_lists(
        self,
        kind: Annotated[SanctionsListKind | None, strawberry.argument(description="Of this kind only.")] = None,
    ) -> list[SanctionsList]:
        """The sanctions lists and their published standards."""

    @with_arguments(ByKey(sanction_tables.sanctions_lists, sanction_tables.sanctions_lists.c.code, "code"))
    def sanctions_list(
        self, code: Annotated[str, strawberry.argument(description="The list's code.")]
    ) -> SanctionsList | None:
        """One list by its code."""

    @with_arguments(
        Many(
            sanction_tables.measures,
            order=MEASURES,
            rows_expected=30,
            filters={"category": Filter(lambda row, given: row.c.category == given)},
        )
    )
    def measures(
        self,
        category: Annotated[MeasureCategory | None, strawberry.argument(description="Of this nature only.")] = None,
    ) -> list[Measure]:
        """The measures (惩戒措施清单) that lists may use."""

    @with_arguments(Many(disclosure_tables.disclosures, order=OLDEST, filters={"filter": DISCLOSURE_FILTER}))
    def disclosures(
        self,
        filter: Annotated[DisclosureFilter | None, strawberry.argument(description="Which lines to follow.")] = None,
        first: First = None,
        after: After = None,
    ) -> DisclosureConnection:
        """The feed of what became public, changed, was marked, or ceased to be public, oldest first."""

    viewer: Viewer = sourced(OfCaller(), "Who is calling.")


@strawberry.type(
    description="What callers with a token can do. Each takes one input and answers with what it did, or with the"
    " problems that kept it from being done."
)
class Mutation:
    @with_arguments(Performed("grantAccess"), authenticated=True)
    def grant_access(
        self, input: Annotated[GrantAccessInput, strawberry.argument(description="What to open, and to whom.")]
    ) -> GrantPayload:
        """Open items of one's own department to another; needs the owner's scope grants:write."""

    @with_arguments(Performed("revokeAccess", {"reason": REASON_CHARACTERS_MAX}), authenticated=True)
    def revoke_access(
        self, input: Annotated[RevokeAccessInput, strawberry.argument(description="Which grant to end.")]
    ) -> GrantPayload:
        """End a grant of one's own department, at once; needs the owner's scope grants:write."""


ROWS: Mapping[str, RowOf] = {
    "ResponsiblePerson": RowOf(responsible_persons),
    "AccessLogEntry": RowOf(access_log, tag="A"),
    "Grant": RowOf(grants, tag="G"),
    "Region": RowOf(reference.regions),
    "Industry": RowOf(reference.industries),
    "Department": RowOf(departments),
    "CatalogueItem": RowOf(catalogue_items),
    "PublicityPeriod": RowOf(catalogue_items),
    "Subject": RowOf(subjects, tag="S"),
    "SubjectRelation": RowOf(subject_relations),
    "Evaluation": RowOf(evaluations),
    "Commitment": RowOf(commitments),
    "CreditRecord": RowOf(
        records, records.c.kind, {kind.value: shown.__name__ for kind, shown in KINDS.items()}, tag="R"
    ),
    **{shown.__name__: RowOf(records, records.c.kind, {kind.value: shown.__name__}) for kind, shown in KINDS.items()},
    "DisclosureState": RowOf(records),
    "RecordRevision": RowOf(record_revisions),
    "SanctionsList": RowOf(sanctions_lists, tag="L"),
    "SanctionsEntry": RowOf(sanctions_entries, tag="E"),
    "ListingBasis": RowOf(listing_bases),
    "ListingStep": RowOf(listing_steps),
    "Measure": RowOf(measures),
    "Disclosure": RowOf(disclosures, tag="D"),
}

BY_ID = EntityKey("id")
ENTITIES: Mapping[str, Sequence[EntityKey]] = {
    "Subject": (EntityKey("uscc", subjects.c.uscc), BY_ID),
    "Region": (EntityKey("code", reference.regions.c.code),),
    "Industry": (EntityKey("code", reference.industries.c.code),),
    "Department": (EntityKey("code", departments.c.code),),
    "CatalogueItem": (EntityKey("code", catalogue_items.c.code, in_force),),
    "SanctionsList": (EntityKey("code", sanctions_lists.c.code), BY_ID),
    "Measure": (EntityKey("code", measures.c.code),),
    "SanctionsEntry": (BY_ID,),
    "CreditRecord": (BY_ID,),
    **{shown.__name__: (BY_ID,) for shown in KINDS.values()},
}

ROOTS: Mapping[str, Source] = {
    "_entities": ByRepresentations(),
    "_service": Constant(lambda sdl: {"sdl": sdl}),
}


@lru_cache(maxsize=1)
def build() -> tuple[strawberry.federation.Schema, Catalogue]:
    """The schema and its sources, checked against each other.

    Raises LookupError when they do not fit, so that the hub does not start.
    """
    schema = strawberry.federation.Schema(
        query=Query, mutation=Mutation, types=list(KINDS.values()), federation_version=FEDERATION, config=CONFIG
    )
    core: GraphQLSchema = schema._schema  # noqa: SLF001  (strawberry gives no public way to graphql-core's schema)
    describe_federation(core)
    return schema, Catalogue(core, ROWS, ENTITIES, ROOTS)


# What Federation adds, by type, field and argument; `@` names a directive.
FEDERATION_WORDS: Mapping[str, str] = {
    "_Any": "A representation of an entity: an object of its __typename and one of its keys.",
    "_Entity": "Whatever a gateway may look up by key.",
    "_Service": "This subgraph, as a gateway sees it.",
    "_Service.sdl": "Its schema in GraphQL's schema language.",
    "Query._entities": "For gateways: entities by their keys, in order, null where unknown or not visible.",
    "Query._entities.representations": "At most 500 representations.",
    "Query._service": "For gateways: the schema of this subgraph.",
    "_FieldSet": "Fields of a type, as a selection without its outer braces.",
    "link__Import": "A name that is taken over from a linked specification.",
    "link__Purpose": "What a linked specification is for.",
    "link__Purpose.SECURITY": "It protects data: whoever does not know it must not go on.",
    "link__Purpose.EXECUTION": "It changes how a request is carried out: whoever does not know it must not go on.",
    "@key": "By these fields a gateway may look the type up.",
    "@key.fields": "The fields.",
    "@key.resolvable": "Whether this subgraph answers such a look-up.",
    "@shareable": "Other subgraphs may answer it too, and alike.",
    "@authenticated": "Only callers with an access token get it.",
    "@requiresScopes": "Only callers whose token has one of these sets of scopes get it.",
    "@requiresScopes.scopes": "Sets of scopes.",
    "@link": "The schema follows a specification.",
    "@link.url": "Its address and version.",
    "@link.as": "A name for it within this schema.",
    "@link.for": "What it is for.",
    "@link.import": "The names that are taken over from it.",
}


def describe_federation(schema: GraphQLSchema) -> None:
    """Say what Federation's own additions are: strawberry makes them without a word, and people browse them too.

    Raises LookupError when the library makes them otherwise than we know them.
    """
    things: dict[str, Any] = {f"@{directive.name}": directive for directive in schema.directives}
    things |= schema.type_map
    for path, description in FEDERATION_WORDS.items():
        name, *parts = path.split(".")
        thing: Any = things[name]
        for part in parts:
            members = getattr(thing, "fields", None) or getattr(thing, "values", None) or thing.args
            thing = members[part]
        thing.description = description


@lru_cache(maxsize=1)
def sdl() -> str:
    """The SDL of the schema, as `schema.graphql` holds it."""
    return build()[0].as_str() + "\n"
