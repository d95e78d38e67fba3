"""The hand-written listings of the demonstration: every list, every status, bans of a region and of an industry."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from hub.domain.dates import add_months
from hub.seed.lists import LIST_BY_CODE
from hub.seed.records import Told, Writer
from hub.store.labels import (
    DisclosureKind,
    DisclosureReason,
    FeedState,
    ListingStatus,
    Publicity,
    RecordKind,
    ResponsibleRole,
    SanctionsListKind,
)

_S = ListingStatus


@dataclass(frozen=True, slots=True)
class Listing:
    """Who is on which list and how far it has come; days since it was listed (or proposed), and what is special.

    `fallen_days` is how long ago a listing was removed or annulled.
    """

    subject: str
    list: str
    status: ListingStatus = _S.LISTED
    age_days: int = 60
    term_over: bool = False
    permanent: bool = False
    begins_in_days: int = 0
    under_objection: bool = False
    regions: tuple[str, ...] = ()
    industries: tuple[str, ...] = ()
    responsible: tuple[tuple[str, ResponsibleRole], ...] = field(default=())
    fallen_days: int = 4


LISTINGS: Sequence[Listing] = (
    # Twelve subjects with a listing that anyone may see; each has public records too.
    Listing("yunfan", "RED_TAX_A"),
    Listing("changfeng", "WAGE_ARREARS", responsible=(("林示二", ResponsibleRole.LEGAL_REPRESENTATIVE),)),
    Listing("changfeng", "GOV_PROCUREMENT", regions=("320000",)),
    Listing("hemu", "MARKET_SERIOUS", under_objection=True),
    Listing("hailan", "RED_AEO"),
    Listing("xinghe", "CUSTOMS"),
    Listing("heitu", "ABNORMAL_OPERATION"),
    Listing("qingyu", "CULTURE_TOURISM", industries=("7291",), responsible=(("朱示七", ResponsibleRole.PRINCIPAL),)),
    Listing("jincheng", "OVERLOAD_TRANSPORT"),
    Listing("quanyun", "WORK_SAFETY", permanent=True, industries=("2614", "2671"), responsible=(
        ("罗示九", ResponsibleRole.ACTUAL_CONTROLLER), ("戴例一", ResponsibleRole.DIRECTLY_RESPONSIBLE))),
    Listing("yuewei", "TAX_MAJOR"),
    Listing("jinggong", "STATISTICS"),
    Listing("shegong", "SOCIAL_ORG"),
    Listing("jiucheng", "COURT_DEFAULTER"),
    Listing("jiucheng", "ABNORMAL_OPERATION", age_days=400),
    # What is not, or no longer, public.
    Listing("konggu", "KEY_ATTENTION"),
    Listing("tingyun", "COURT_DEFAULTER", term_over=True),
    Listing("tingyun", "ABNORMAL_OPERATION", _S.REMOVED, 300),
    Listing("yun", "FALSE_LITIGATION", _S.ANNULLED, 120),
    Listing("zhixing", "MARKET_SERIOUS", _S.PROPOSED, 8),
    Listing("yuewei", "MARKET_SERIOUS", _S.NOTIFIED, 12),
    Listing("hezuoshe", "GOV_PROCUREMENT", _S.DISMISSED, 50),
    Listing("quanyun", "TAX_MAJOR", _S.REMOVED, 500),
    Listing("xinghe", "GOV_PROCUREMENT", begins_in_days=3, regions=("440000", "450000"), industries=("3919",)),
    Listing("yuanhang", "GOV_PROCUREMENT", permanent=True),
)  # fmt: skip

# The way of each status: what happened before it.
_WAY = {
    _S.PROPOSED: (_S.PROPOSED,),
    _S.NOTIFIED: (_S.PROPOSED, _S.NOTIFIED),
    _S.DISMISSED: (_S.PROPOSED, _S.NOTIFIED, _S.DISMISSED),
    _S.LISTED: (_S.PROPOSED, _S.NOTIFIED, _S.LISTED),
    _S.REMOVED: (_S.PROPOSED, _S.NOTIFIED, _S.LISTED, _S.REMOVED),
    _S.ANNULLED: (_S.PROPOSED, _S.NOTIFIED, _S.LISTED, _S.ANNULLED),
}
STEP_NOTES = {
    _S.PROPOSED: "拟列入，认定依据已核实。",
    _S.NOTIFIED: "已送达告知书，告知事实、理由、依据、措施及陈述申辩权利。",
    _S.LISTED: "作出列入决定，同时送达修复告知书。",
    _S.REMOVED: "经核查符合移出条件，决定移出。",
    _S.DISMISSED: "陈述申辩理由成立，不予列入。",
    _S.ANNULLED: "认定依据被撤销，列入自始无效。",
}


@dataclass(frozen=True, slots=True)
class _Entry:
    """A listing that is being written: its keys, and the department that owns the list."""

    writer: Writer
    subject_id: int
    id: int
    owner_id: int

    async def step(self, on: date, why: str, sets: dict[str, Any]) -> None:
        """The next revision of the entry."""
        columns = ", ".join(f"{column} = ${place}" for place, column in enumerate(sets, start=7))
        await self.writer.connection.execute(
            "update sanctions_entries set revision = revision + 1, known_from = $3, changed_by = $4,"  # noqa: S608
            f" change_reason = $5, changed_fields = $6, {columns} where subject_id = $1 and id = $2",
            self.subject_id,
            self.id,
            self.writer.moment(on),
            self.owner_id,
            why,
            [name for name in sets if name != "feed_state"],
            *sets.values(),
        )

    def tell(self, on: date, kind: DisclosureKind, reason: DisclosureReason | None = None) -> None:
        """A line for the feed."""
        self.writer.told.append(Told(on, self.subject_id, self.id, kind, reason))


async def lay_listings(writer: Writer) -> None:
    """Write the listings with basis, steps and the persons responsible, in the caller's transaction."""
    for number, listing in enumerate(LISTINGS, start=1):
        await _write(writer, listing, number)


async def _write(writer: Writer, listing: Listing, number: int) -> None:
    days = days_of(listing, writer.today)
    entry = await _propose(writer, listing, days[_S.PROPOSED])
    await _write_basis(entry, listing, number)
    for status, on in days.items():
        document = f"示列字〔{on.year}〕{number}号" if status is not _S.PROPOSED else None
        await writer.connection.execute(
            "insert into listing_steps (subject_id, entry_id, status, stepped_on, by_id, document_number, note,"
            " known_from) values ($1, $2, $3, $4, $5, $6, $7, $8)",
            entry.subject_id,
            entry.id,
            status,
            on,
            entry.owner_id,
            document,
            STEP_NOTES[status],
            writer.moment(on),
        )
        if status is not _S.PROPOSED:
            sets = changes_of(listing, status, on, document, writer.today)
            await entry.step(on, STEP_NOTES[status], sets)
            _tell(entry, status, on, sets)
    if listing.under_objection:
        on = writer.today - timedelta(days=5)
        await entry.step(on, "异议受理，予以标注", {"under_objection": True})
        entry.tell(on, DisclosureKind.MARKED, DisclosureReason.OBJECTION)
    for name, role in listing.responsible:
        await writer.connection.execute(
            "insert into responsible_persons (subject_id, entry_id, name, role, valid_from, basis, known_from)"
            " values ($1, $2, $3, $4, $5, $6, $7)",
            entry.subject_id,
            entry.id,
            name,
            role,
            date(2020, 1, 1),
            "列入决定书认定对违法行为负有责任（示例）",
            writer.moment(days[_S.LISTED]),
        )


async def _propose(writer: Writer, listing: Listing, on: date) -> _Entry:
    row = LIST_BY_CODE[listing.list]
    subject_id = writer.subjects[listing.subject]
    list_id, owner_id = await writer.connection.fetchrow(
        "select id, department_id from sanctions_lists where code = $1", listing.list
    )
    entry_id: int = await writer.connection.fetchval(
        "insert into sanctions_entries (subject_id, list_id, status, reason, permanent, region_codes, industry_codes,"
        " measure_codes, known_from) values ($1, $2, 'PROPOSED', $3, $4, $5, $6, $7, $8) returning id",
        subject_id,
        list_id,
        f"示例：{row.criteria}",
        listing.permanent,
        list(listing.regions),
        list(listing.industries),
        row.measures,
        writer.moment(on),
    )
    return _Entry(writer, subject_id, entry_id, owner_id)


async def _write_basis(entry: _Entry, listing: Listing, number: int) -> None:
    """The decision that the listing rests on: the subject's own record where there is one of a kind that fits."""
    writer = entry.writer
    incentive = LIST_BY_CODE[listing.list].kind is SanctionsListKind.INCENTIVE
    kind = RecordKind.HONOR if incentive else RecordKind.ADMINISTRATIVE_PENALTY
    if listing.list in {"COURT_DEFAULTER", "FALSE_LITIGATION"}:
        kind = RecordKind.JUDGMENT_DEFAULT
    known = await writer.connection.fetchrow(
        "select id, document_number from records where subject_id = $1 and kind = $2 and status = 'EFFECTIVE'"
        " order by feed_state = 'OPEN' desc, id limit 1",
        entry.subject_id,
        kind,
    )
    await writer.connection.execute(
        "insert into listing_bases (subject_id, entry_id, kind, document_number, record_id, known_from)"
        " values ($1, $2, $3, $4, $5, $6)",
        entry.subject_id,
        entry.id,
        kind,
        known["document_number"] if known else f"示据字〔{writer.today.year}〕{number}号",
        known["id"] if known else None,
        writer.now - timedelta(days=listing.age_days),
    )


def days_of(listing: Listing, today: date) -> dict[ListingStatus, date]:
    """The day of each step up to the listing's status, in order, none after today."""
    way = _WAY[listing.status]
    last = today - timedelta(days=listing.age_days)
    if listing.term_over:
        last = add_months(today - timedelta(days=listing.fallen_days), -(LIST_BY_CODE[listing.list].term_months or 0))
    days = {status: last - timedelta(days=14 * (len(way) - 1 - place)) for place, status in enumerate(way)}
    if listing.status in {_S.REMOVED, _S.ANNULLED}:
        # It stood for a while before it fell.
        days[listing.status] = today - timedelta(days=listing.fallen_days)
    return days


def changes_of(listing: Listing, status: ListingStatus, on: date, document: str | None, today: date) -> dict[str, Any]:
    """The columns of the entry that a step changes."""
    row = LIST_BY_CODE[listing.list]
    hidden = {
        "withdrawn_reason": DisclosureReason.REMOVED if status is _S.REMOVED else DisclosureReason.ANNULLED,
        "public_from": None,
        "public_until": None,
        "feed_state": FeedState.CLOSED,
    }
    if row.publicity is not Publicity.PUBLIC:
        hidden = {}
    match status:
        case _S.NOTIFIED:
            return {"status": status, "notified_on": on}
        case _S.LISTED:
            until = None if listing.permanent or row.term_months is None else add_months(on, row.term_months)
            stands = {"status": status, "listed_on": on, "until": until, "decision_document": document}
            return stands | _published(listing, on, until, today)
        case _S.REMOVED:
            return {
                "status": status,
                "removed_on": on,
                "removal_reason": "已纠正违法行为并履行义务，准予移出（示例）",
                **hidden,
            }
        case _S.ANNULLED:
            return {"status": status, **hidden}
        case _:
            return {"status": status}


def _published(listing: Listing, on: date, until: date | None, today: date) -> dict[str, Any]:
    if LIST_BY_CODE[listing.list].publicity is not Publicity.PUBLIC:
        return {}
    begins = today + timedelta(days=listing.begins_in_days) if listing.begins_in_days else on
    state = FeedState.DUE if begins > today else FeedState.OPEN
    if until is not None and until < today:
        state = FeedState.CLOSED
    return {"public_from": begins, "public_until": until, "feed_state": state}


def _tell(entry: _Entry, status: ListingStatus, on: date, sets: dict[str, Any]) -> None:
    state = sets.get("feed_state")
    if status is _S.LISTED and state in {FeedState.OPEN, FeedState.CLOSED}:
        entry.tell(on, DisclosureKind.PUBLISHED)
    if state is FeedState.CLOSED:
        until: date | None = sets.get("public_until")
        ended_on = until + timedelta(days=1) if until else on
        entry.tell(ended_on, DisclosureKind.WITHDRAWN, sets.get("withdrawn_reason", DisclosureReason.PERIOD_ENDED))
