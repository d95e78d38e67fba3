"""One naive resolver for each root of a read: what an operation begins with."""
# ruff: noqa: A001, A002 - resolvers and their arguments have the names that the schema gives them

from collections.abc import Callable
from operator import itemgetter
from typing import Any

from tests.oracle import refusals
from tests.oracle.answers import RECORDS, Answer, Thing, chosen, page, record, records_page, resolves, thing, things
from tests.oracle.law import Row, World
from tests.oracle.schema import SDL
from tests.oracle.tokens import named_by


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
    rows = [{**world.subjects[number], "distance": far, "length": length} for far, length, number in ranked]
    shown_as: Callable[[Row], Thing] = lambda row: Thing("Subject", row)  # noqa: E731
    found = page("search", shown_as, rows, ("distance", "length", "id"), descending=False, **arguments)
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


@resolves("Query", name="viewer")
def viewer(world: World, row: Row) -> Answer:
    return {
        "client": None, "person": None, "department": None, "subject": None, "scopes": [], "purposes": [], "grants": [],
        "grantsGiven": [], "costLeft": None,
    }  # fmt: skip


@resolves("Query", name="_service")
def service(world: World, row: Row) -> Answer:
    return {"sdl": SDL}
