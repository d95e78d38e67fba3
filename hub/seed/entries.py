"""Listings of the synthetic world: one subject in twenty is on a list or was, each with the way that led there."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import asyncpg

from hub.clock import BEIJING
from hub.seed.copying import copied, copy_text, reserve
from hub.seed.lines import BACKLOG_DAYS, HUB_DAYS
from hub.seed.listings import STEP_NOTES, Listing, changes_of, days_of
from hub.seed.lists import LIST_BY_CODE, LISTS
from hub.store.labels import ListingStatus, SanctionsListKind
from hub.store.sanctions import sanctions_entries

SHARE = 0.05
COLUMNS = [column.name for column in sanctions_entries.columns]

# Status, and up to which part of all listings have it or one before it.
_STATUSES = (
    (0.70, ListingStatus.LISTED),
    (0.84, ListingStatus.REMOVED),
    (0.88, ListingStatus.PROPOSED),
    (0.92, ListingStatus.NOTIFIED),
    (0.96, ListingStatus.DISMISSED),
    (1.00, ListingStatus.ANNULLED),
)
_FIRST = {
    "status": ListingStatus.PROPOSED,
    "permanent": False,
    "removed_on": None,
    "removal_reason": None,
    "notified_on": None,
    "decision_document": None,
    "listed_on": None,
    "until": None,
    "under_objection": False,
    "public_from": None,
    "public_until": None,
    "rule_version": None,
    "withdrawn_reason": None,
    "feed_state": "NONE",
    "revision": 1,
    "changed_by": None,
    "change_reason": None,
    "changed_fields": [],
}


async def write_entries(
    connection: asyncpg.Connection, today: date, world: str, subjects: int, first_subject: int
) -> None:
    """Write entries, former versions and steps, within the caller's transaction; their bases are still to come."""
    lists = {
        row["code"]: (row["id"], row["department_id"])
        for row in await connection.fetch("select code, id, department_id from sanctions_lists")
    }
    listings = list(_listings(world, subjects, first_subject))
    sequence = await connection.fetchval("select pg_get_serial_sequence('sanctions_entries', 'id')")
    first_id = await reserve(connection, sequence, len(listings))
    now, former, steps = [], [], []
    for entry_id, (subject_id, listing) in enumerate(listings, start=first_id):
        list_id, owner_id = lists[listing.list]
        keys = {"subject_id": subject_id, "id": entry_id, "list_id": list_id}
        versions = list(_versions(listing, keys, owner_id, today))
        now.append(_line(versions[-1]))
        for version, next_version in pairwise(versions):
            former.append(f"{next_version['known_from']}\t{_line(version)}")
        for version in versions:
            if version["status"] == ListingStatus.LISTED and version["under_objection"]:
                continue
            step = (
                subject_id, entry_id, version["status"], version["stepped_on"], owner_id,
                f"示列字〔{version['stepped_on'].year}〕{entry_id}号" if version["revision"] > 1 else None,
                STEP_NOTES[version["status"]], version["known_from"],
            )  # fmt: skip
            steps.append("\t".join(map(copied, step)) + "\n")
    await copy_text(connection, "sanctions_entries", COLUMNS, now)
    await copy_text(connection, "sanctions_entries_history", ["known_until", *COLUMNS], former)
    step_columns = ("subject_id", "entry_id", "status", "stepped_on", "by_id", "document_number", "note", "known_from")
    await copy_text(connection, "listing_steps", step_columns, steps)


def _listings(world: str, subjects: int, first_subject: int) -> Iterator[tuple[int, Listing]]:
    """Who is on which list, subject by subject."""
    chance = Random(f"{world} entries")  # noqa: S311 - no secret
    permanent_lists = {"WORK_SAFETY", "GOV_PROCUREMENT"}
    for place in range(subjects):
        if chance.random() >= SHARE:
            continue
        row = LISTS[int(len(LISTS) * chance.random())]
        fate = chance.random()
        status = next(status for below, status in _STATUSES if fate < below)
        months = row.term_months or 36
        ban = row.kind is SanctionsListKind.MARKET_BAN
        listed = status is ListingStatus.LISTED
        yield (
            first_subject + place,
            Listing(
                subject="",
                list=row.code,
                status=status,
                # A standing one is still in its term; a fallen one fell some days after it was listed.
                age_days=chance.randrange(35, months * 30 - 20),
                term_over=listed and row.term_months is not None and chance.random() < 0.08,
                permanent=listed and row.code in permanent_lists and chance.random() < 0.2,
                begins_in_days=chance.randrange(1, 7) if listed and chance.random() < 0.01 else 0,
                under_objection=listed and chance.random() < 0.02,
                regions=("320000",) if ban and chance.random() < 0.3 else (),
                industries=("4710", "4813") if ban and chance.random() < 0.3 else (),
                fallen_days=chance.randrange(2, 30),
            ),
        )


def _versions(listing: Listing, keys: dict[str, int], owner_id: int, today: date) -> Iterator[dict[str, Any]]:
    """The entry's versions, the present one last; `stepped_on` is beside the columns."""
    row = LIST_BY_CODE[listing.list]
    # What happened before the hub of this world began came in with its first deliveries.
    began = datetime.combine(today - timedelta(days=HUB_DAYS - keys["id"] % BACKLOG_DAYS), time(9), BEIJING)
    version: dict[str, Any] = {
        **_FIRST,
        **keys,
        "reason": row.criteria,
        "permanent": listing.permanent,
        "region_codes": listing.regions,
        "industry_codes": listing.industries,
        "measure_codes": row.measures,
    }
    steps: list[tuple[date, str, dict[str, Any]]] = []
    for status, on in days_of(listing, today).items():
        document = f"示列字〔{on.year}〕{keys['id']}号"
        changes = changes_of(listing, status, on, document, today) if status is not ListingStatus.PROPOSED else {}
        steps.append((on, STEP_NOTES[status], changes))
    if listing.under_objection:
        steps.append((today - timedelta(days=2), "异议受理，予以标注", {"under_objection": True}))
    for place, (on, why, changes) in enumerate(steps):
        known = max(datetime.combine(on, time(10, place), BEIJING), began + timedelta(minutes=place))
        version = version | changes | {"known_from": known, "stepped_on": on}
        if place:
            version |= {
                "revision": place + 1,
                "changed_by": owner_id,
                "change_reason": why,
                "changed_fields": [name for name in changes if name != "feed_state"],
            }
        yield version


def _line(version: dict[str, Any]) -> str:
    return "\t".join(copied(version[name]) for name in COLUMNS) + "\n"
