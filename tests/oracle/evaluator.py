"""Answers any read by graphql-core's own `execute` over rows in memory, one naive resolver a field.

Nothing of the read engine is used: the schema is what `schema.graphql` says, ids and cursors are spelled here again, a
page is a slice of the whole list, and a filter is a comprehension.
"""
# ruff: noqa: A001, A002 - resolvers and their arguments have the names that the schema gives them

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from graphql import DocumentNode, GraphQLResolveInfo, GraphQLSchema, build_schema, execute_sync, parse

from hub.clock import BEIJING
from tests.oracle import refusals
from tests.oracle.law import Row, World
from tests.oracle.tokens import cursor, cursor_values, global_id, named_by

KINDS = {
    "ADMINISTRATIVE_LICENSE": "AdministrativeLicense",
    "ADMINISTRATIVE_PENALTY": "AdministrativePenalty",
    "ADMINISTRATIVE_ACT": "AdministrativeAct",
    "JUDGMENT_DEFAULT": "JudgmentDefault",
    "FALSE_LITIGATION": "FalseLitigation",
    "CONTRACT_PERFORMANCE": "ContractPerformance",
    "HONOR": "Honor",
    "COMPLAINT": "Complaint",
    "REGULATORY_INTERVIEW": "RegulatoryInterview",
    "RECTIFICATION": "Rectification",
    "TRAINING": "Training",
    "VOLUNTARY_DECLARATION": "VoluntaryDeclaration",
}

Resolver = Callable[..., Any]
Answer = dict[str, Any]


class Thing(NamedTuple):
    """A row shown as an object of a type."""

    type: str
    row: Row


def fields_of(type_name: str) -> dict[str, Resolver]:
    """The resolvers of a type: those written down here, by the names that they have in the schema."""
    return RESOLVERS.setdefault(type_name, {})


RESOLVERS: dict[str, dict[str, Resolver]] = {}


def resolves(*type_names: str, name: str | None = None) -> Callable[[Resolver], Resolver]:
    """A field of these types; the function's own name, or `name`, is the field's."""

    def register(function: Resolver) -> Resolver:
        words = function.__name__.strip("_").split("_")
        field = name or words[0] + "".join(word.title() for word in words[1:])
        for type_name in type_names:
            fields_of(type_name)[field] = function
        return function

    return register


# ------------------------------------------------------------------------------------------- values


def shown(value: Any) -> Any:
    """A value of a row as JSON shows it."""
    if isinstance(value, datetime):
        return value.astimezone(BEIJING).isoformat()
    return value.isoformat() if isinstance(value, date) else value


def yuan(fen: int | None) -> str | None:
    """Fen as yuan with two digits."""
    if fen is None:
        return None
    digits = str(fen).rjust(3, "0")
    return f"{digits[:-2]}.{digits[-2:]}"


def things(type_name: str, rows: Iterable[Row]) -> list[Thing]:
    return [Thing(type_name, row) for row in rows]


def thing(type_name: str, row: Row | None) -> Thing | None:
    return None if row is None else Thing(type_name, row)


def record(row: Row | None) -> Thing | None:
    return None if row is None else Thing(KINDS[row["kind"]], row)


def coded(world: World, table: str, type_name: str, codes: Sequence[str], order: str = "code") -> list[Thing]:
    """What codes name, each once and in order; a code that nothing has names nothing."""
    found = [world.by[table, "code"][code] for code in set(codes) if code in world.by[table, "code"]]
    return things(type_name, sorted(found, key=itemgetter(order)))


def numbered(world: World, table: str, type_name: str, number: int | None) -> Thing | None:
    return None if number is None else Thing(type_name, world.by[table, "id"][number])


# -------------------------------------------------------------------------------------------- pages


def page(
    name: str,
    node_type: Callable[[Row], Thing | None],
    rows: Sequence[Row],
    keys: Sequence[str],
    *,
    descending: bool,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
) -> Answer:
    """A slice of the whole list, by Relay's rules."""

    def place(row: Row) -> tuple[Any, ...]:
        return tuple(row[key] for key in keys)

    def precedes(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
        return one > other if descending else one < other

    kinds = [type(value) for value in place(rows[0])] if rows else []
    if after is not None and rows:
        start = cursor_values(after, kinds)
        rows = [row for row in rows if precedes(start, place(row))]
    if before is not None and rows:
        end = cursor_values(before, kinds)
        rows = [row for row in rows if precedes(place(row), end)]
    if last is not None:
        kept = rows[len(rows) - last :] if last < len(rows) else rows
        more = {"hasNextPage": before is not None, "hasPreviousPage": len(kept) < len(rows)}
    else:
        kept = rows[: 20 if first is None else first]
        more = {"hasNextPage": len(kept) < len(rows), "hasPreviousPage": after is not None}
    edges = [{"cursor": cursor(name, *place(row)), "node": node_type(row)} for row in kept]
    ends = {"startCursor": edges[0]["cursor"], "endCursor": edges[-1]["cursor"]} if edges else {}
    return {"edges": edges, "pageInfo": {"startCursor": None, "endCursor": None} | ends | more}


def chosen(rows: Iterable[Row], given: Answer | None, **tests: Callable[[Row, Any], bool]) -> list[Row]:
    """The rows for which every key of a filter that is given, and not null, holds."""
    asked = {key: value for key, value in (given or {}).items() if value is not None}
    return [row for row in rows if all(tests[key](row, value) for key, value in asked.items())]


def records_page(world: World, rows: Sequence[Row], filter: Answer | None = None, **arguments: Any) -> Answer:
    departments = world.by["departments", "id"]
    kept = chosen(
        rows,
        filter,
        kinds=lambda row, given: row["kind"] in given,
        catalogueItems=lambda row, given: row["item_code"] in given,
        departments=lambda row, given: departments[row["department_id"]]["code"] in given,
        decidedFrom=lambda row, given: row["decided_on"] >= given,
        decidedTo=lambda row, given: row["decided_on"] <= given,
        statuses=lambda row, given: row["status"] in given,
    )
    return page("records", record, kept, ("decided_on", "id"), descending=True, **arguments)


# ------------------------------------------------------------------------------------------- subjects


@resolves("Subject")
def id_(world: World, row: Row) -> str:
    return global_id("S", row["id"])


@resolves("Subject", "Department")
def region(world: World, row: Row) -> Thing | None:
    return thing("Region", world.by["regions", "code"].get(row["region_code"]))


@resolves("Subject")
def industry(world: World, row: Row) -> Thing | None:
    return thing("Industry", world.by["industries", "code"].get(row["industry_code"]))


@resolves("Subject")
def legal_representative(world: World, row: Row) -> str | None:
    return world.representative(row["id"])


@resolves("Subject")
def records(world: World, row: Row, **arguments: Any) -> Answer:
    return records_page(world, [r for r in world.records if r["subject_id"] == row["id"]], **arguments)


@resolves("Subject")
def sanctions(world: World, row: Row, active: bool | None) -> list[Thing]:
    own = [entry for entry in world.entries if entry["subject_id"] == row["id"]]
    return things("SanctionsEntry", [entry for entry in own if active is None or in_force(world, entry) == active])


def in_force(world: World, entry: Row) -> bool:
    """Whether a subject is on the list today."""
    return entry["status"] == "LISTED" and (entry["until"] is None or entry["until"] >= world.today)


@resolves("Subject")
def evaluations(world: World, row: Row) -> list[Thing]:
    return things("Evaluation", world.evaluations(row["id"]))


@resolves("Subject")
def commitments(world: World, row: Row, open: bool | None = None) -> list[Thing]:
    rows = world.commitments(row["id"])
    return things("Commitment", [r for r in rows if open is None or (r["fulfilment"] == "PENDING") == open])


@resolves("Subject")
def related_subjects(world: World, row: Row) -> list[Thing]:
    return things("SubjectRelation", world.relations(row["id"]))


@resolves("SubjectRelation", name="subject")
def related_subject(world: World, row: Row) -> Thing:
    return Thing("Subject", world.subjects[row["related_id"]])


@resolves("SubjectRelation", name="from")
def tied_from(world: World, row: Row) -> Any:
    return row["valid_from"]


@resolves("SubjectRelation", name="until")
def tied_until(world: World, row: Row) -> Any:
    return row["valid_until"]


@resolves("Evaluation")
def evaluator(world: World, row: Row) -> Thing | None:
    return numbered(world, "departments", "Department", row["evaluator_id"])


@resolves("Evaluation")
def stale(world: World, row: Row) -> bool:
    return row["valid_until"] is not None and row["valid_until"] < world.today


@resolves("Commitment", name="id")
def commitment_id(world: World, row: Row) -> str:
    return global_id("C", row["subject_id"], row["id"])


@resolves("Commitment")
def accepted_by(world: World, row: Row) -> Thing | None:
    return numbered(world, "departments", "Department", row["accepted_by_id"])


# ------------------------------------------------------------------------------------------- records

RECORDS = tuple(KINDS.values())


@resolves(*RECORDS, name="id")
def record_id(world: World, row: Row) -> str:
    return global_id("R", row["subject_id"], row["id"])


@resolves(*RECORDS, "SanctionsEntry", name="subject")
def its_subject(world: World, row: Row) -> Thing:
    return Thing("Subject", world.subjects[row["subject_id"]])


@resolves(*RECORDS)
def catalogue_item(world: World, row: Row) -> Thing | None:
    return numbered(world, "catalogue_items", "CatalogueItem", row["item_id"])


@resolves(*RECORDS, "SanctionsList")
def department(world: World, row: Row) -> Thing | None:
    return numbered(world, "departments", "Department", row["department_id"])


@resolves(*RECORDS)
def source(world: World, row: Row) -> Thing | None:
    return numbered(world, "departments", "Department", row["source_id"])


@resolves(*RECORDS)
def disclosure(world: World, row: Row) -> Thing:
    return Thing("DisclosureState", row)


@resolves(*RECORDS)
def revisions(world: World, row: Row) -> list[Thing]:
    rows = [r for r in world.of_subject["record_revisions", row["subject_id"]] if r["record_id"] == row["id"]]
    return things("RecordRevision", sorted(rows, key=itemgetter("revision")))


@resolves("AdministrativePenalty")
def fine_amount(world: World, row: Row) -> str | None:
    return yuan(row["fine_fen"])


@resolves("AdministrativePenalty")
def confiscated_amount(world: World, row: Row) -> str | None:
    return yuan(row["confiscated_fen"])


@resolves("DisclosureState")
def state(world: World, row: Row) -> str:
    if row["withdrawn_reason"] is not None:
        return "WITHDRAWN"
    if row["public_from"] is None:
        return "NOT_PUBLIC"
    if row["public_from"] > world.today:
        return "SCHEDULED"
    return "ENDED" if row["public_until"] is not None and row["public_until"] < world.today else "PUBLIC"


@resolves("DisclosureState")
def since(world: World, row: Row) -> datetime | None:
    if row["public_from"] is None:
        return None
    midnight = datetime.combine(row["public_from"], time(), BEIJING)
    submitted: datetime = row["submitted_at"]
    return max(midnight, submitted)


@resolves("DisclosureState", name="until")
def public_until(world: World, row: Row) -> Any:
    return row["public_until"]


@resolves("RecordRevision", name="at")
def known_at(world: World, row: Row) -> Any:
    return row["known_from"]


@resolves("RecordRevision", "ListingStep")
def by(world: World, row: Row) -> Thing | None:
    return numbered(world, "departments", "Department", row["by_id"])


@resolves("RecordRevision")
def reason(world: World, row: Row) -> Any:
    return row["change_reason"]


# ----------------------------------------------------------------------- departments, catalogue, lists


@resolves("CatalogueItem", "Measure")
def departments(world: World, row: Row) -> list[Thing]:
    return coded(world, "departments", "Department", row["department_codes"], order="id")


@resolves("CatalogueItem")
def publication_deadline(world: World, row: Row) -> int:
    days: int = row["deadline_workdays"]
    return days


@resolves("CatalogueItem")
def publicity_period(world: World, row: Row) -> Thing | None:
    return None if row["min_months"] is None and row["max_months"] is None else Thing("PublicityPeriod", row)


@resolves("Department")
def parent(world: World, row: Row) -> Thing | None:
    return numbered(world, "departments", "Department", row["parent_id"])


@resolves("Department")
def successor(world: World, row: Row) -> Thing | None:
    return numbered(world, "departments", "Department", row["successor_id"])


@resolves("Department", name="catalogue")
def own_catalogue(world: World, row: Row) -> list[Thing]:
    return things("CatalogueItem", [item for item in world.catalogue if row["code"] in item["department_codes"]])


@resolves("SanctionsList", name="id")
def list_id(world: World, row: Row) -> str:
    return global_id("L", row["id"])


@resolves("Subject", name="responsiblePersons")
def persons(world: World, row: Row) -> list[Thing] | None:
    found = world.persons(row["id"])
    return None if found is None else things("ResponsiblePerson", found)


@resolves("SanctionsEntry", name="responsiblePersons")
def persons_of_entry(world: World, row: Row) -> list[Thing] | None:
    found = world.persons(row["subject_id"], row["id"])
    return None if found is None else things("ResponsiblePerson", found)


@resolves("ResponsiblePerson", name="id")
def person_id(world: World, row: Row) -> str:
    return global_id("P", row["subject_id"], row["id"])


@resolves("ResponsiblePerson", name="from")
def in_office_from(world: World, row: Row) -> Any:
    return row["valid_from"]


@resolves("ResponsiblePerson", name="until")
def in_office_until(world: World, row: Row) -> Any:
    return row["valid_until"]


@resolves("Subject", name="accessLog")
def access_log(world: World, row: Row, **arguments: Any) -> Answer | None:
    found = world.readings(row["id"])
    if found is None:
        return None
    return page("readings", lambda row: thing("AccessLogEntry", row), found, ("at", "id"), descending=True, **arguments)


@resolves("AccessLogEntry", name="id")
def reading_id(world: World, row: Row) -> str:
    return global_id("A", row["subject_id"], row["id"])


@resolves("AccessLogEntry", name="client")
def reading_client(world: World, row: Row) -> Any:
    return row["client_id"]


@resolves("AccessLogEntry", name="department")
def reading_department(world: World, row: Row) -> Thing | None:
    return numbered(world, "departments", "Department", row["department_id"])


@resolves("AccessLogEntry", name="person")
def reading_person(world: World, row: Row) -> str | None:
    """Who in a department looked is for auditors; a subject learns the first sign."""
    name: str | None = row["person"]
    if name is None or world.caller.view == "AUDITOR":
        return name
    return name[0] + "*" * (len(name) - 1)


@resolves("Query", name="viewer")
def viewer(world: World, row: Row) -> Answer:
    return {
        "client": None, "person": None, "department": None, "subject": None, "scopes": [], "purposes": [], "grants": [],
        "costLeft": None,
    }  # fmt: skip


@resolves("SanctionsList", "SanctionsEntry", name="measures")
def its_measures(world: World, row: Row) -> list[Thing]:
    return coded(world, "measures", "Measure", row["measure_codes"])


@resolves("SanctionsList")
def entries(world: World, row: Row, filter: Answer | None = None, **arguments: Any) -> Answer:
    kept = chosen(
        [entry for entry in world.entries if entry["list_id"] == row["id"]],
        filter,
        statuses=lambda row, given: row["status"] in given,
        listedFrom=lambda row, given: row["listed_on"] is not None and row["listed_on"] >= given,
        listedTo=lambda row, given: row["listed_on"] is not None and row["listed_on"] <= given,
    )
    return page("entries", lambda row: Thing("SanctionsEntry", row), kept, ("id",), descending=True, **arguments)


@resolves("SanctionsEntry", name="id")
def entry_id(world: World, row: Row) -> str:
    return global_id("E", row["subject_id"], row["id"])


@resolves("SanctionsEntry", name="list")
def its_list(world: World, row: Row) -> Thing | None:
    return numbered(world, "sanctions_lists", "SanctionsList", row["list_id"])


@resolves("SanctionsEntry")
def basis(world: World, row: Row) -> list[Thing]:
    rows = [r for r in world.of_subject["listing_bases", row["subject_id"]] if r["entry_id"] == row["id"]]
    return things("ListingBasis", sorted(rows, key=itemgetter("id")))


@resolves("ListingBasis", name="record")
def basis_record(world: World, row: Row) -> Thing | None:
    return record(world.by_key.get(("R", row["subject_id"], row["record_id"])))


@resolves("SanctionsEntry")
def history(world: World, row: Row) -> list[Thing]:
    rows = [r for r in world.of_subject["listing_steps", row["subject_id"]] if r["entry_id"] == row["id"]]
    return things("ListingStep", sorted(rows, key=itemgetter("id")))


@resolves("SanctionsEntry")
def regions(world: World, row: Row) -> list[Thing]:
    return coded(world, "regions", "Region", row["region_codes"])


@resolves("SanctionsEntry")
def industries(world: World, row: Row) -> list[Thing]:
    return coded(world, "industries", "Industry", row["industry_codes"])


@resolves("ListingStep", name="on")
def stepped_on(world: World, row: Row) -> Any:
    return row["stepped_on"]


# -------------------------------------------------------------------------------------------- the feed


@resolves("Disclosure", name="id")
def disclosure_id(world: World, row: Row) -> str:
    return global_id("D", row["subject_id"], row["position"])


@resolves("Disclosure")
def position(world: World, row: Row) -> str:
    return str(row["position"])


@resolves("Disclosure")
def item(world: World, row: Row) -> Thing | None:
    # A feed shows everybody the same of its items, whoever follows it.
    tag = "R" if row["item_kind"] == "RECORD" else "E"
    found = world.everybodys.by_key.get((tag, row["subject_id"], row["item_id"]))
    return record(found) if tag == "R" else thing("SanctionsEntry", found)


@resolves("Disclosure")
def item_id(world: World, row: Row) -> str:
    return global_id("R" if row["item_kind"] == "RECORD" else "E", row["subject_id"], row["item_id"])


# ------------------------------------------------------------------------------------------------ roots


def identified(world: World, text: str) -> Thing | None:
    """Whatever an id names, if it may be seen."""
    tag, numbers = named_by(text)
    match tag:
        case "S":
            return thing("Subject", world.subjects.get(numbers[0]))
        case "R":
            return record(world.by_key.get(("R", *numbers)))  # type: ignore[arg-type]
        case "E":
            return thing("SanctionsEntry", world.by_key.get(("E", *numbers)))  # type: ignore[arg-type]
        case "L":
            return thing("SanctionsList", world.by["sanctions_lists", "id"].get(numbers[0]))
        case "D":
            found = [line for line in world.feed if (line["subject_id"], line["position"]) == numbers]
            return thing("Disclosure", found[0] if found else None)
        case _:
            return None


@resolves("Query")
def node(world: World, row: Row, id: str) -> Thing | None:
    return identified(world, id)


@resolves("Query")
def nodes(world: World, row: Row, ids: list[str]) -> list[Thing | None]:
    return [identified(world, id) for id in ids]


@resolves("Query")
def subject(world: World, row: Row, uscc: str) -> Thing | None:
    return thing("Subject", world.by_uscc.get(uscc))


@resolves("Query")
def subjects(world: World, row: Row, usccs: list[str]) -> list[Thing | None]:
    return [thing("Subject", world.by_uscc.get(uscc)) for uscc in usccs]


@resolves("Query", name="records")
def all_records(world: World, row: Row, **arguments: Any) -> Answer:
    return records_page(world, world.records, **arguments)


@resolves("Query")
def catalogue(world: World, row: Row) -> list[Thing]:
    return things("CatalogueItem", world.catalogue)


@resolves("Query", name="departments")
def all_departments(world: World, row: Row) -> list[Thing]:
    return things("Department", sorted(world.tables["departments"], key=itemgetter("id")))


@resolves("Query")
def sanctions_lists(world: World, row: Row, kind: str | None = None) -> list[Thing]:
    rows = sorted(world.tables["sanctions_lists"], key=lambda row: row["id"])
    return things("SanctionsList", [row for row in rows if kind is None or row["kind"] == kind])


@resolves("Query")
def sanctions_list(world: World, row: Row, code: str) -> Thing | None:
    return thing("SanctionsList", world.by["sanctions_lists", "code"].get(code))


@resolves("Query")
def measures(world: World, row: Row, category: str | None = None) -> list[Thing]:
    rows = sorted(world.tables["measures"], key=lambda row: row["code"])
    return things("Measure", [row for row in rows if category is None or row["category"] == category])


def part_of(region: str | None, whole: str) -> bool:
    """Whether a division is another one or in it: 310104 in 310100 and 310000, by pairs of digits."""
    if region is None or len(whole) != 6:
        return False
    pairs = [whole[0:2], whole[2:4], whole[4:6]]
    while len(pairs) > 1 and pairs[-1] == "00":
        pairs.pop()
    return region.startswith("".join(pairs))


def class_of(world: World, industry: str | None, whole: str) -> bool:
    """Whether an industry is another one or in it: 2614 in 261, in 26 and in the section of 26."""
    if industry is None:
        return False
    if len(whole) > 1:
        return industry == whole or (industry.startswith(whole) and industry[:4] == industry)
    division = world.by["industries", "code"].get(industry[:2])
    return division is not None and division["section"] == whole


@resolves("Query")
def search_subjects(world: World, row: Row, name: str, filter: Answer | None = None, **arguments: Any) -> Answer:
    kept = chosen(
        world.subjects.values(),
        filter,
        kinds=lambda row, given: row["kind"] in given,
        regions=lambda row, given: any(part_of(row["region_code"], whole) for whole in given),
        industries=lambda row, given: any(class_of(world, row["industry_code"], whole) for whole in given),
        statuses=lambda row, given: row["status"] in given,
    )
    ranked = world.ranking.ranked(name, {row["id"] for row in kept})
    rows = [{**world.subjects[number], "distance": distance} for distance, number in ranked]
    shown_as: Callable[[Row], Thing] = lambda row: Thing("Subject", row)  # noqa: E731
    found = page("search", shown_as, rows, ("distance", "id"), descending=False, **arguments)
    for edge in found["edges"]:
        edge["score"] = (10_000 - edge["node"].row["distance"]) / 10_000
    return found


@resolves("Query")
def disclosures(world: World, row: Row, filter: Answer | None = None, **arguments: Any) -> Answer:
    by_id = world.by["departments", "id"], world.by["sanctions_lists", "id"]
    kept = chosen(
        world.feed,
        filter,
        kinds=lambda row, given: row["kind"] in given,
        departments=lambda row, given: by_id[0][row["department_id"]]["code"] in given,
        catalogueItems=lambda row, given: row["catalogue_code"] in given,
        lists=lambda row, given: row["list_id"] is not None and by_id[1][row["list_id"]]["code"] in given,
        regions=lambda row, given: any(part_of(row["region_code"], whole) for whole in given),
    )
    shown_as: Callable[[Row], Thing] = lambda row: Thing("Disclosure", row)  # noqa: E731
    return page("disclosures", shown_as, kept, ("at", "position"), descending=False, **arguments)


@resolves("Query", name="_entities")
def entities(world: World, row: Row, representations: list[Any]) -> list[Thing | None]:
    return [entity(world, given) for given in representations]


def entity(world: World, given: Answer) -> Thing | None:
    """What a representation names: by its natural key where it has one, else by its id."""
    name = given["__typename"]
    if name == "Subject" and given.get("uscc") is not None:
        return thing("Subject", world.by_uscc.get(refusals.read_uscc(given["uscc"])))
    tables = {
        "Region": "regions",
        "Industry": "industries",
        "Department": "departments",
        "Measure": "measures",
        "SanctionsList": "sanctions_lists",
    }
    if name == "CatalogueItem":
        return thing(name, next((row for row in world.catalogue if row["code"] == given["code"]), None))
    if name in tables and given.get("code") is not None:
        return thing(name, world.by[tables[name], "code"].get(given["code"]))
    found = identified(world, given["id"])
    fits = found is not None and (found.type == name or (name == "CreditRecord" and found.type in RECORDS))
    return found if fits else None


@resolves("Query", name="_service")
def service(world: World, row: Row) -> Answer:
    return {"sdl": SDL}


# -------------------------------------------------------------------------------------------- the whole


def snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", lambda match: "_" + match[1].lower(), name)


def resolve(source: Any, info: GraphQLResolveInfo[World], **arguments: Any) -> Any:
    """A field by its resolver, of a page by its key, else by the column of its name."""
    if isinstance(source, dict):
        return source[info.field_name]
    world = info.context
    type_name, row = source if isinstance(source, Thing) else ("Query", {})
    resolver = RESOLVERS[type_name].get(info.field_name) if type_name in RESOLVERS else None
    return shown(resolver(world, row, **arguments) if resolver else row[snake(info.field_name)])


def type_of(value: Any, *_: Any) -> str:
    named: str = value.type
    return named


SDL = (Path(__file__).parents[2] / "schema.graphql").read_text(encoding="utf-8")
SCHEMA: GraphQLSchema = refusals.with_scalars(build_schema(SDL, assume_valid_sdl=True))


@lru_cache(8)
def read(text: str, name: str | None) -> tuple[DocumentNode, set[refusals.Refusal]]:
    """A document, and what is wrong with it whatever its variables are: it is asked with several sets of them."""
    document = parse(text)
    return document, refusals.of_document(SCHEMA, document, name)


def closed_to(world: World) -> set[tuple[str, str]]:
    """The fields that a caller may not ask for at all."""
    return {
        place
        for place in refusals.CLOSED
        if (world.readings(0) if place[1] == "accessLog" else world.persons(0)) is None
    }


def evaluate(world: World, text: str, variables: Answer | None, name: str | None = None) -> Answer:
    """The answer, or `refused` with the (code, path) of everything that is wrong with the request."""
    document, refused = read(text, name)
    if not refused:
        refused = refusals.of_request(SCHEMA, document, variables, name, closed=closed_to(world))
    if refused:
        return {"refused": refused}
    result = execute_sync(
        SCHEMA,
        document,
        field_resolver=resolve,
        type_resolver=type_of,
        context_value=world,
        variable_values=variables,
        operation_name=name,
    )
    assert not result.errors, result.errors
    return {"data": result.data}
