"""The limit: bare ASGI and asyncpg, no GraphQL, the best SQL we can write, the hub's predicate, the hub's bytes.

It takes the hub's request bodies and looks at nothing but the operation's first word, which costs less than routing.
Whoever sends an Authorization header is the agency of `benchmarks.callers`, whatever the header says: the limit checks
no token, asks for no purpose and keeps no access log, but reads by the agency's wider predicate.
"""

import json
import os
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import asyncpg
import orjson

BEIJING = timezone(timedelta(hours=8))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

RECORD_IS_PUBLIC = """r.public_from <= $2 and (r.public_until is null or r.public_until >= $2)
    and r.withdrawn_reason is null and r.status not in ('REVOKED', 'REPAIRED')"""
ENTRY_IS_PUBLIC = """e.status = 'LISTED' and e.public_from <= $2 and (e.public_until is null or e.public_until >= $2)
    and e.withdrawn_reason is null and (e.until is null or e.until >= $2)"""
SUBJECT_IS_KNOWN = f"""(s.status is not null
    or exists (select from records r where r.subject_id = s.id and {RECORD_IS_PUBLIC})
    or exists (select from sanctions_entries e where e.subject_id = s.id and {ENTRY_IS_PUBLIC}))"""

# What the agency sees beyond that, by bind parameters: $3 its departments, $4 items granted to it, each after its
# owner's number, $5 since when dishonesty may be held against anybody.
RECORD_IS_SEEN = f"""({RECORD_IS_PUBLIC} or r.department_id = any($3) or r.source_id = any($3)
    or (r.withdrawn_reason is null and r.status not in ('REVOKED', 'REPAIRED')
        and ((select i.sharing from catalogue_items i
              where i.code = r.item_code and i.effective_from <= $2
                and (i.effective_until is null or i.effective_until >= $2)
              order by i.effective_from desc, i.id desc limit 1) = 'UNCONDITIONAL'
            or r.department_id || '/' || r.item_code = any($4::text[]))
        and (r.kind not in ('ADMINISTRATIVE_PENALTY', 'JUDGMENT_DEFAULT', 'FALSE_LITIGATION')
            or r.decided_on >= $5)))"""
ENTRY_IS_SEEN = f"""(({ENTRY_IS_PUBLIC}) or (e.status = 'LISTED' and e.withdrawn_reason is null
        and (e.until is null or e.until >= $2))
    or e.list_id in (select id from sanctions_lists where department_id = any($3)))"""

TINY = f"select s.name, s.status from subjects s where s.uscc = $1 and {SUBJECT_IS_KNOWN}"

PRE_CHECK = f"""select s.name, s.status,
    array(select row(e.subject_id, e.id, e.reason, e.listed_on, e.until, l.code, l.name, l.kind)
          from sanctions_entries e join sanctions_lists l on l.id = e.list_id
          where e.subject_id = s.id and {ENTRY_IS_PUBLIC} order by e.id desc),
    array(select row(r.subject_id, r.id, r.kind, r.document_number, r.decided_on, r.status, d.code, d.name)
          from records r join departments d on d.id = r.department_id
          where r.subject_id = s.id and {RECORD_IS_PUBLIC} order by r.decided_on desc, r.id desc limit 21)
    from subjects s where s.uscc = $1 and {SUBJECT_IS_KNOWN}"""

BATCH = f"""select k.ord, s.uscc, s.name, s.status, e.reason, e.listed_on, e.until, l.code, l.name
    from unnest($1::text[]) with ordinality k(uscc, ord) join subjects s on s.uscc = k.uscc
    left join sanctions_entries e on e.subject_id = s.id and {ENTRY_IS_PUBLIC}
    left join sanctions_lists l on l.id = e.list_id
    where {SUBJECT_IS_KNOWN} order by k.ord, e.id desc"""


def widened(statement: str) -> str:
    """The same read by the agency's predicate."""
    return statement.replace(RECORD_IS_PUBLIC, RECORD_IS_SEEN).replace(ENTRY_IS_PUBLIC, ENTRY_IS_SEEN)


FEED_COLUMNS = f"""d.at, d.position, d.subject_id, d.kind, d.reason, d.item_kind, d.item_id,
    r.kind, r.counterpart_name, r.document_number, r.decided_on, e.id, e.reason, e.listed_on from disclosures d
    left join records r on d.item_kind = 'RECORD' and r.subject_id = d.subject_id and r.id = d.item_id
        and {RECORD_IS_PUBLIC.replace("$2", "$1")}
    left join sanctions_entries e on d.item_kind = 'ENTRY' and e.subject_id = d.subject_id and e.id = d.item_id
        and {ENTRY_IS_PUBLIC.replace("$2", "$1")}"""
FEED_FIRST = f"select {FEED_COLUMNS} order by d.at, d.position limit 101"
FEED_DEEP = f"""select {FEED_COLUMNS} where (d.at, d.position) > ($2, $3) and d.at >= $2
    order by d.at, d.position limit 101"""

TYPES = {
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


def agency_of(text: str | None) -> tuple[Any, ...]:
    """What the benchmark tells of the agency, as statements bind it."""
    told = json.loads(text or "{}")
    return (told["departments"], told["granted"], date.fromisoformat(told["since"])) if told else ()


AGENCY = agency_of(os.environ.get("LIMIT_AGENCY"))
TINY_OF_AGENCY, PRE_CHECK_OF_AGENCY = widened(TINY), widened(PRE_CHECK)


async def tiny(connection: asyncpg.Connection, given: dict[str, Any], today: date, agency: bool) -> Any:
    if agency:
        rows = await connection.fetch(TINY_OF_AGENCY, given["uscc"], today, *AGENCY)
    else:
        rows = await connection.fetch(TINY, given["uscc"], today)
    return {"subject": {"name": rows[0][0], "status": rows[0][1]} if rows else None}


async def pre_check(connection: asyncpg.Connection, given: dict[str, Any], today: date, agency: bool) -> Any:
    if agency:
        rows = await connection.fetch(PRE_CHECK_OF_AGENCY, given["uscc"], today, *AGENCY)
    else:
        rows = await connection.fetch(PRE_CHECK, given["uscc"], today)
    if not rows:
        return {"subject": None}
    name, status, entries, records = rows[0]
    more = len(records) > 20
    if more:
        records = records[:20]
    return {
        "subject": {
            "name": name,
            "status": status,
            "sanctions": [
                {
                    "id": f"E{subject:x}-{number:x}",
                    "reason": reason,
                    "listedOn": listed,
                    "until": until,
                    "list": {"code": code, "name": title, "kind": kind},
                }
                for subject, number, reason, listed, until, code, title, kind in entries
            ],
            "records": {
                "edges": [
                    {
                        "node": {
                            "id": f"R{subject:x}-{number:x}",
                            "kind": kind,
                            "documentNumber": document,
                            "decidedOn": decided,
                            "status": state,
                            "department": {"code": code, "name": title},
                        }
                    }
                    for subject, number, kind, document, decided, state, code, title in records
                ],
                "pageInfo": {
                    "hasNextPage": more,
                    "endCursor": f"records-{records[-1][4].toordinal():x}-{records[-1][1]:x}" if records else None,
                },
            },
        }
    }


async def batch(connection: asyncpg.Connection, given: dict[str, Any], today: date, _: bool) -> Any:
    answers: list[Any] = [None] * len(given["usccs"])
    last = 0
    entries: list[Any] = []
    for ordinal, uscc, name, status, reason, listed, until, code, title in await connection.fetch(
        BATCH, given["usccs"], today
    ):
        if ordinal != last:
            last = ordinal
            entries = []
            answers[ordinal - 1] = {"uscc": uscc, "name": name, "status": status, "sanctions": entries}
        if reason is not None:
            entries.append(
                {"reason": reason, "listedOn": listed, "until": until, "list": {"code": code, "name": title}}
            )
    return {"subjects": answers}


async def feed(connection: asyncpg.Connection, given: dict[str, Any], today: date, _: bool) -> Any:
    after = given.get("after")
    if after is None:
        rows = await connection.fetch(FEED_FIRST, today)
    else:
        _, at, position = after.split("-")
        start = EPOCH + timedelta(microseconds=int(at, 16))
        rows = await connection.fetch(FEED_DEEP, today, start, int(position, 16))
    more = len(rows) > 100
    edges = []
    for (
        at, position, subject, kind, reason, item_kind, item, record_kind, name, document, decided, entry, why, listed,
    ) in rows[:100]:  # fmt: skip
        shown: Any = None
        if record_kind is not None:
            shown = {
                "__typename": TYPES[record_kind],
                "counterpartName": name,
                "documentNumber": document,
                "decidedOn": decided,
            }
        elif entry is not None:
            shown = {"__typename": "SanctionsEntry", "reason": why, "listedOn": listed}
        edges.append(
            {
                "cursor": f"disclosures-{round(at.timestamp() * 1_000_000):x}-{position:x}",
                "node": {
                    "id": f"D{subject:x}-{position:x}",
                    "kind": kind,
                    "at": at.astimezone(BEIJING),
                    "reason": reason,
                    "itemId": f"{'R' if item_kind == 'RECORD' else 'E'}{subject:x}-{item:x}",
                    "item": shown,
                },
            }
        )
    return {
        "disclosures": {
            "edges": edges,
            "pageInfo": {"hasNextPage": more, "endCursor": edges[-1]["cursor"] if edges else None},
        }
    }


ANSWERS = {"Tiny": tiny, "PreC": pre_check, "Bidd": batch, "Feed": feed}


class Limit:
    """The endpoint; its connections are taken and given back like the hub's, without a reset."""

    def __init__(self) -> None:
        self.free: list[asyncpg.Connection] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.lifespan(receive, send)
            return
        message = await receive()
        asked = orjson.loads(message["body"])
        query = asked["query"]
        connection = self.free.pop() if self.free else await self.connect()
        try:
            agency = any(name == b"authorization" for name, _ in scope["headers"])
            data = await ANSWERS[query[6:10]](connection, asked["variables"], datetime.now(BEIJING).date(), agency)
        finally:
            self.free.append(connection)
        body = orjson.dumps({"data": data})
        headers = [
            (b"content-type", b"application/json; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            (b"x-content-type-options", b"nosniff"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    @staticmethod
    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(
            os.environ["HUB_DATABASE_URL"],
            max_cached_statement_lifetime=0,
            max_cacheable_statement_size=0,
            server_settings={"plan_cache_mode": "force_generic_plan"},
        )

    async def lifespan(self, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return


app = Limit()
