"""One naive resolver for each field of an object that is not a column of its row."""
# ruff: noqa: A002 - resolvers and their arguments have the names that the schema gives them

from datetime import datetime, time
from operator import itemgetter
from typing import Any

from hub.clock import BEIJING
from tests.oracle.answers import (
    RECORDS,
    Answer,
    Thing,
    chosen,
    coded,
    numbered,
    page,
    record,
    records_page,
    resolves,
    thing,
    things,
    yuan,
)
from tests.oracle.law import Row, World
from tests.oracle.tokens import global_id

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
