"""What follows from the rows of the synthetic world, made of them by the database: former versions, bases, the feed."""

from datetime import timedelta

import asyncpg

from hub.clock import Clock
from hub.seed.lines import HUB_DAYS
from hub.store.records import records, records_history

# How a record that was changed once stood before: the columns that the change may have touched. The last day of a
# publication that was ended early follows from the item's rule again.
_WITHDRAWN = "r.withdrawn_reason is not null"
_BEFORE = {
    "status": "case when 'status' = any(r.changed_fields) then 'EFFECTIVE' else r.status end",
    "under_objection": "false",
    "remark": "case when 'remark' = any(r.changed_fields) then null else r.remark end",
    "public_from": f"""case when {_WITHDRAWN} then (r.submitted_at at time zone 'Asia/Shanghai')::date
        else r.public_from end""",
    "public_until": f"""case when not ({_WITHDRAWN}) then r.public_until
        when i.period_rule = 'VALIDITY' then r.valid_until
        when i.period_rule = 'FIXED' then (r.decided_on + make_interval(months => i.max_months))::date
        when i.period_rule = 'DISHONESTY' then (r.decided_on
            + make_interval(months => case r.dishonesty_class when 'SERIOUS' then 36 else 12 end))::date end""",
    "withdrawn_reason": "null",
    "feed_state": f"case when {_WITHDRAWN} then 'OPEN' else r.feed_state end",
    "revision": "1",
    "known_from": "r.submitted_at",
    "changed_by": "null",
    "change_reason": "null",
    "changed_fields": "'{}'",
}
_HISTORY = f"""
    insert into records_history ({", ".join(column.name for column in records_history.columns)})
    select r.known_from, {", ".join(_BEFORE.get(column.name, f"r.{column.name}") for column in records.columns)}
    from records r join catalogue_items i on i.id = r.item_id
    where r.id between $1 and $2 and r.revision = 2
"""  # noqa: S608 - names of our own

# The subject's own penalty or honour where it has one; a decision that never came to the hub otherwise.
_BASES = """
    insert into listing_bases (subject_id, entry_id, kind, document_number, record_id, known_from)
    select e.subject_id, e.id, coalesce(found.kind, wanted.kind), coalesce(found.document_number,
        '示据字〔' || extract(year from e.known_from) || '〕' || e.id || '号'), found.id, e.known_from
    from sanctions_entries e
    join sanctions_lists l on l.id = e.list_id
    cross join lateral (select case when l.kind = 'INCENTIVE' then 'HONOR'
        when l.code in ('COURT_DEFAULTER', 'FALSE_LITIGATION') then 'JUDGMENT_DEFAULT'
        else 'ADMINISTRATIVE_PENALTY' end as kind) wanted
    left join lateral (select r.id, r.kind, r.document_number from records r
        where r.subject_id = e.subject_id and r.kind = wanted.kind and r.status = 'EFFECTIVE'
        order by r.decided_on desc, r.id desc limit 1) found on true
    where e.subject_id between $1 and $2
    order by e.subject_id, e.id
"""

_EVALUATIONS = """
    insert into evaluations (subject_id, scale, grade, model_version, evaluator_id, evaluated_on, valid_until,
        publicity, latest, known_from)
    select s.id, scale.code, scale.grade, '2026.1', d.id, $3::date - 100, $3::date + 265, scale.publicity, true,
        s.known_from + interval '1 day'
    from subjects s
    cross join lateral (values
        ('tax', (array['A','B','M','C','D'])[1 + s.id / 11 % 5], 'sta',
            case when s.id / 11 % 5 = 0 then 'PUBLIC' else 'NOT_PUBLIC' end),
        ('public', (array['A','B','C','D'])[1 + s.id / 7 % 4], 'ndrc', 'ON_REQUEST')) scale (code, grade, by, publicity)
    join departments d on d.code = scale.by
    where s.id between $1 and $2 and s.id % 11 = 0 and s.kind = 'LEGAL_PERSON'
    order by s.id, scale.code
"""

_COMMITMENTS = """
    insert into commitments (subject_id, code, type, matter, content, made_on, due_on, fulfilment, accepted_by_id,
        publicity, known_from)
    select s.id, '320100' || to_char($3::date - 90, 'YYYYMMDD') || lpad((s.id % 1000000)::text, 6, '0'),
        (array['APPROVAL_SUBSTITUTE', 'MISSING_MATERIAL', 'PROOF_ITEM', 'CREDIT_REPAIR', 'INDUSTRY_SELF', 'VOLUNTARY',
            'OTHER'])[1 + s.id / 13 % 7],
        '示例承诺事项', '示例：依法诚信经营，违诺愿承担相应责任。', $3::date - 90, $3::date + 275,
        (array['PENDING', 'FULL', 'PARTIAL', 'NONE'])[1 + s.id / 3 % 4], d.id,
        (array['PUBLIC', 'PUBLIC', 'ON_REQUEST'])[1 + s.id % 3], s.known_from + interval '91 days'
    from subjects s join departments d on d.code = 'xuanwu-approval'
    where s.id between $1 and $2 and s.id % 13 = 0 order by s.id
"""

# A branch belongs to the company that stands before it.
_RELATIONS = """
    insert into subject_relations (subject_id, kind, related_id, valid_from, known_from)
    select tie.subject_id, tie.kind, tie.related_id, s.registered_on, s.known_from
    from subjects s
    cross join lateral (values (s.id, 'BRANCH_OF', s.id - 1), (s.id - 1, 'HAS_BRANCH', s.id))
        tie (subject_id, kind, related_id)
    where s.id between $1 + 1 and $2 and s.name like '%分公司'
    order by s.id, tie.subject_id desc
"""

# Every line of the feed about a record, with its time: when it came, when it was changed, when its period ended.
_RECORDS_TOLD = """
    select told.at, told.place, told.kind, told.reason, 'RECORD' as item_kind, r.subject_id, r.id as item_id,
        r.department_id, r.item_code as catalogue_code, null::integer as list_id, s.region_code
    from records r join subjects s on s.id = r.subject_id
    cross join lateral (
        select r.submitted_at + interval '1 minute' as at, 1 as place, 'PUBLISHED' as kind, null as reason
        union all
        select r.known_from, 2, case when r.withdrawn_reason is not null then 'WITHDRAWN'
                when r.under_objection then 'MARKED' else 'CORRECTED' end,
            coalesce(r.withdrawn_reason, case when r.under_objection then 'OBJECTION' else 'CORRECTION' end)
        where r.revision > 1
        union all
        select (r.public_until + 1)::timestamp at time zone 'Asia/Shanghai' + r.id % 997 * interval '1 ms', 3,
            'WITHDRAWN', 'PERIOD_ENDED'
        where r.feed_state = 'CLOSED' and r.withdrawn_reason is null
    ) told
    where r.id between $1 and $2 and r.feed_state in ('OPEN', 'CLOSED')
"""

_ENTRIES_TOLD = """
    select told.at, told.place, told.kind, told.reason, 'ENTRY' as item_kind, e.subject_id, e.id as item_id,
        l.department_id, null as catalogue_code, e.list_id, s.region_code
    from sanctions_entries e
    join sanctions_lists l on l.id = e.list_id
    join subjects s on s.id = e.subject_id
    join listing_steps listed on listed.subject_id = e.subject_id and listed.entry_id = e.id
        and listed.status = 'LISTED'
    cross join lateral (
        select listed.known_from + interval '1 minute' as at, 1 as place, 'PUBLISHED' as kind, null as reason
        union all
        select greatest(e.known_from, listed.known_from + interval '2 minutes'), 2,
            case when e.withdrawn_reason is not null then 'WITHDRAWN' else 'MARKED' end,
            coalesce(e.withdrawn_reason, 'OBJECTION')
        where e.withdrawn_reason is not null or e.under_objection
        union all
        select greatest((e.public_until + 1)::timestamp at time zone 'Asia/Shanghai',
            listed.known_from + interval '3 minutes'), 3, 'WITHDRAWN', 'PERIOD_ENDED'
        where e.feed_state = 'CLOSED' and e.withdrawn_reason is null
    ) told
    where e.subject_id between $3 and $4 and e.feed_state in ('OPEN', 'CLOSED')
"""

_COLUMNS = "kind, reason, item_kind, subject_id, item_id, department_id, catalogue_code, list_id, region_code"
# `at` never falls behind what the log holds already, and positions go on from there without a hole.
_DISCLOSURES = f"""
    insert into disclosures (at, position, {_COLUMNS})
    select greatest(at, $5), $6 + row_number() over (order by at, item_kind desc, item_id, place), {_COLUMNS}
    from ({_RECORDS_TOLD} union all {_ENTRIES_TOLD}) told
"""  # noqa: S608 - text of our own


async def write_derived(connection: asyncpg.Connection, clock: Clock, subjects: range, records: range) -> None:
    """Write what follows from the subjects and records of these ids, within the transaction that wrote them."""
    whose = (subjects.start, subjects.stop - 1)
    which = (records.start, records.stop - 1)
    # Nothing is known yet of tables that were filled in this transaction, and PostgreSQL would look for the basis of an
    # entry among all records of a kind: minutes, for half a million.
    await connection.execute("analyze subjects, records, sanctions_entries, listing_steps")
    await connection.execute(_HISTORY, *which)
    await connection.execute(_BASES, *whose)
    await connection.execute(_EVALUATIONS, *whose, clock.today())
    await connection.execute(_COMMITMENTS, *whose, clock.today())
    await connection.execute(_RELATIONS, *whose)
    await _write_feed(connection, clock, which, whose)


async def _write_feed(
    connection: asyncpg.Connection, clock: Clock, which: tuple[int, int], whose: tuple[int, int]
) -> None:
    """Write the log's past. Whoever holds the head appends alone, so the appender waits until this is committed."""
    await connection.execute("set local work_mem = '128MB'")
    head = await connection.fetchrow("select at, position from disclosure_head where one = 1 for update")
    began = clock.now() - timedelta(days=HUB_DAYS + 1)
    await connection.execute("select ensure_months($1, $2)", max(began, head["at"]), max(clock.now(), head["at"]))
    await connection.execute(_DISCLOSURES, *which, *whose, head["at"], head["position"])
    await connection.execute(
        "update disclosure_head set position = latest.position, at = latest.at"
        " from (select at, position from disclosures order by at desc, position desc limit 1) latest where one = 1"
    )
