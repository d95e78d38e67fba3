"""Recomputing publications that are running, when a later rule ends them earlier (transition to NDRC Order 36).

What must always hold: a publication is cut and never prolonged, and what is revoked, repaired, withdrawn or over is not
touched; a group is one transaction, with the records' next versions, the feed's lines, a line of the log for each and
the run's counts, so that a run that was killed has done whole groups, and the next one finds them done. A rule in doubt
falls for the subject: where it is not known whether the authority stated the class, the earlier end counts.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, NamedTuple

import asyncpg
import orjson

from hub.clock import Clock
from hub.commands.disclosure import announcing, wake
from hub.commands.naming import name_by_records
from hub.commands.transaction import in_one_transaction
from hub.domain.publicity import Publication, PublicityPolicy, cut
from hub.errors import Unusable
from hub.store.labels import (
    Cut,
    DisclosureKind,
    DisclosureReason,
    DishonestyClass,
    FeedState,
    ItemKind,
    PenaltyKind,
    PeriodRule,
    ProcedureKind,
    Publicity,
)

ZEROS: Final = re.compile("(00)+$")

ROWS_MAX: Final = 1_000
"""How many records one transaction looks at."""

EXAMPLES_MAX: Final = 10


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which records: of the departments that decided and of the items given by code, computed under a regime."""

    departments: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    regime: str | None = None


class Change(NamedTuple):
    """What a recomputation makes of one publication; `ruled` is what decides now."""

    row: asyncpg.Record
    outcome: Cut
    until: date | None
    ruled: Publication

    @property
    def about(self) -> tuple[str, str, str, str, Cut]:
        """By what changes are counted: item, department, rule before, rule now, outcome."""
        row = self.row
        rules = (row["rule_version"] or "", self.ruled.rule_version or "")
        return (row["item_code"], row["department"], *rules, self.outcome)


@dataclass(slots=True)
class Account:
    """What was done, or would be: changes by item, department, rule before and rule now; and the first few of them.

    `left_listed`: subjects on a list of seriously dishonest ones, whose publications local law lets run on.
    """

    looked_at: int = 0
    left_listed: int = 0
    changes: Counter[tuple[str, str, str, str, Cut]] = field(default_factory=Counter)
    examples: list[Change] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.changes.total()

    def of(self, outcome: Cut) -> int:
        return sum(count for (*_, what), count in self.changes.items() if what is outcome)


async def recompute(
    connection: asyncpg.Connection,
    clock: Clock,
    policy: PublicityPolicy,
    chosen: Chosen | None = None,
    *,
    by: str | None,
    progress: Callable[[int], None] | None = None,
) -> Account:
    """Cut every running publication that ends earlier by the regimes in force since its decision; what was done.

    Only items whose publication ends by the rules on dishonesty have regimes: a licence's end, a fixed period and a
    listing's end are none of theirs. `by` is the code of the department that orders it; without, nothing is written
    and the account says what would be. `progress` is told the number of records looked at. Raises Unusable for an
    unknown department, item or regime, and NotWritten when the database refuses; whole groups are done then.
    """
    chosen = chosen or Chosen()
    await _check(connection, policy, chosen)
    account = Account()
    run = None if by is None else await _begin(connection, clock, policy, chosen, by)
    after: tuple[int, int] | None = (0, 0)
    while after is not None:
        after = await _group(connection, _Desk(policy, clock), chosen, after, run, account)
        if progress is not None:
            progress(account.looked_at)
    if run is not None:
        await connection.execute(
            "update publication_recomputations set finished_at = $2 where id = $1", run.id, clock.now()
        )
    return account


class _Run(NamedTuple):
    id: int
    by_id: int


class _Desk:
    """Decides what becomes of one publication, without the database."""

    def __init__(self, policy: PublicityPolicy, clock: Clock) -> None:
        self.policy = policy
        self.now = clock.now()
        self.today = self.now.date()
        # A division's own code and those below it: 410000 and 41 with whatever follows.
        self.run_on = [f"{ZEROS.sub('', region)}%" for region in policy.run_on_regions]

    def judge(self, row: asyncpg.Record) -> Change | None:
        """The change that the rules ask for; None where they end it no earlier than it ends already."""
        start, until = row["public_from"], row["public_until"]
        ruled = min(
            (self._ruled(row, stated) for stated in _readings(row)), key=lambda one: one.public_until or date.min
        )
        if start > self.today:
            # Nobody has seen it yet: what would end before it begins does not begin.
            if ruled.public_until is None or ruled.public_until < start:
                return Change(row, Cut.NOT_BEGUN, None, ruled)
            last = ruled.public_until
        else:
            last = cut(start, until, ruled.public_until, self.today)
        if until is not None and last >= until:
            return None
        return Change(row, Cut.ENDED if last < self.today else Cut.SHORTENED, last, ruled)

    def _ruled(self, row: asyncpg.Record, stated: DishonestyClass | None) -> Publication:
        return self.policy.penalty(
            row["decided_on"],
            [PenaltyKind(kind) for kind in row["penalty_kinds"]],
            ProcedureKind(row["procedure_kind"]) if row["procedure_kind"] else None,
            row["fine_fen"],
            stated,
            self.today,
            row["public_from"],
        )


def _readings(row: asyncpg.Record) -> Iterator[DishonestyClass | None]:
    """The class that the authority stated, if it did; where that is not known, all that may be.

    A class that no rule without thresholds derives was stated.
    """
    shown = DishonestyClass(row["dishonesty_class"]) if row["dishonesty_class"] else None
    if shown is None or row["class_stated"] is not True:
        derived = PublicityPolicy.packaged().classify(
            [PenaltyKind(kind) for kind in row["penalty_kinds"]],
            ProcedureKind(row["procedure_kind"]) if row["procedure_kind"] else None,
            row["fine_fen"],
            None,
        )
        if shown is None or row["class_stated"] is False or shown is derived:
            yield None
    if shown is not None and row["class_stated"] is not False:
        yield shown


_RUNNING = f"""
    select record.subject_id, record.id, record.revision, record.item_code, department.code as department,
        record.decided_on, record.penalty_kinds, record.procedure_kind, record.fine_fen, record.dishonesty_class,
        record.class_stated, record.public_from, record.public_until, record.rule_version,
        department.region_code like any ($7::text[]) and exists (
            select from sanctions_entries entry join sanctions_lists list on list.id = entry.list_id
            where entry.subject_id = record.subject_id and entry.status = 'LISTED' and list.kind = 'JOINT_SANCTION'
                and (entry.until is null or entry.until >= $3)
        ) as runs_on
    from records record
    join catalogue_items item on item.id = record.item_id
    join departments department on department.id = record.department_id
    where (record.subject_id, record.id) > ($1, $2)
        and item.period_rule = '{PeriodRule.DISHONESTY}' and item.publicity = '{Publicity.PUBLIC}'
        and record.public_from is not null and (record.public_until is null or record.public_until >= $3)
        and record.withdrawn_reason is null and record.status not in ('REVOKED', 'REPAIRED')
        and ($4::text[] = '{{}}' or department.code = any ($4)) and ($5::text[] = '{{}}' or record.item_code = any ($5))
        and ($6::text is null or record.rule_version = $6)
    order by record.subject_id, record.id
    limit {ROWS_MAX}
"""  # noqa: S608 - our own words

# Whoever changed a record after it was read has counted its revision up: that one is read again.
_LOCKED = """
    select record.subject_id, record.id, record.feed_state
    from unnest($1::bigint[], $2::bigint[], $3::integer[]) as asked(subject_id, id, revision)
    join records record on record.subject_id = asked.subject_id and record.id = asked.id
        and record.revision = asked.revision
    order by record.subject_id, record.id
    for update of record
"""

_CUT = """
    update records record
    set public_from = case when new.outcome = 'NOT_BEGUN' then null else record.public_from end,
        public_until = new.until, rule_version = new.rule, dishonesty_class = new.class, feed_state = new.feed_state,
        revision = record.revision + 1, known_from = $1, changed_by = $2,
        change_reason = 'publication recomputed under ' || new.rule,
        changed_fields = case when record.dishonesty_class is distinct from new.class
            then array['disclosure', 'dishonestyClass'] else array['disclosure'] end
    from unnest($3::bigint[], $4::bigint[], $5::text[], $6::date[], $7::text[], $8::text[], $9::text[])
        as new(subject_id, id, outcome, until, rule, class, feed_state)
    where record.subject_id = new.subject_id and record.id = new.id
"""

_NOTE = """
    insert into publication_cuts (subject_id, record_id, revision, recomputation_id, at, outcome, until_before,
        until_now, rule_before, rule_now, class_now)
    select subject_id, record_id, revision, $1, $2, outcome, until_before, until_now, rule_before, rule_now, class_now
    from unnest($3::bigint[], $4::bigint[], $5::integer[], $6::text[], $7::date[], $8::date[], $9::text[], $10::text[],
        $11::text[]) as cut(subject_id, record_id, revision, outcome, until_before, until_now, rule_before, rule_now,
        class_now)
"""

_ANNOUNCE = announcing(
    ItemKind.RECORD,
    "(select * from unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[]) as u(subject_id, id, kind, reason))",
)

_COUNT = """
    update publication_recomputations
    set looked_at = looked_at + $2, shortened = shortened + $3, ended = ended + $4, not_begun = not_begun + $5,
        left_listed = left_listed + $6
    where id = $1
"""

_BEGIN = """
    insert into publication_recomputations (at, by_id, regime, policy, of_regime, department_codes, item_codes,
        looked_at, shortened, ended, not_begun, left_listed)
    values ($1, $2, $3, $4, $5, $6, $7, 0, 0, 0, 0, 0)
    returning id
"""


async def _check(connection: asyncpg.Connection, policy: PublicityPolicy, chosen: Chosen) -> None:
    """Raises Unusable for what is chosen by a code that there is not: it would find nothing, and look done."""
    known = [regime.version for regime in policy.regimes]
    if chosen.regime is not None and chosen.regime not in known:
        raise Unusable(f"There is no regime {chosen.regime!r}; there are: {', '.join(known)}.")
    for table, what, codes in (
        ("departments", "department", chosen.departments),
        ("catalogue_items", "catalogue item", chosen.items),
    ):
        rows = await connection.fetch(f"select code from {table} where code = any ($1)", codes)  # noqa: S608 - our own words
        if missing := sorted(set(codes) - {row["code"] for row in rows}):
            raise Unusable(f"No {what} has the code {missing[0]!r}.")


async def _begin(
    connection: asyncpg.Connection, clock: Clock, policy: PublicityPolicy, chosen: Chosen, by: str
) -> _Run:
    by_id = await connection.fetchval("select id from departments where code = $1", by)
    if by_id is None:
        raise Unusable(f"No department has the code {by!r}.")
    run_id = await connection.fetchval(
        _BEGIN,
        clock.now(),
        by_id,
        policy.in_force(clock.today()).version,
        orjson.dumps(policy.choices()).decode(),
        chosen.regime,
        list(chosen.departments) or None,
        list(chosen.items) or None,
    )
    return _Run(run_id, by_id)


async def _group(
    connection: asyncpg.Connection,
    desk: _Desk,
    chosen: Chosen,
    after: tuple[int, int],
    run: _Run | None,
    account: Account,
) -> tuple[int, int] | None:
    """Do the records that follow a key; the key to go on behind, None at the end.

    Where somebody changed one of them meanwhile, the rest is done, and the key stays: the group is looked at again.
    """
    rows: Sequence[asyncpg.Record] = []
    done: list[Change] = []
    left: list[Change] = []
    seen = missed = 0

    async def work() -> None:
        nonlocal rows, done, left, seen, missed
        rows = await connection.fetch(
            _RUNNING, *after, desk.today, chosen.departments, chosen.items, chosen.regime, desk.run_on
        )
        changes = [change for row in rows if (change := desk.judge(row)) is not None]
        left = [change for change in changes if change.row["runs_on"]]
        done = [change for change in changes if not change.row["runs_on"]]
        seen = len(rows)
        if run is None:
            return
        wanted = len(done)
        done = await _write(connection, desk, run, done)
        missed = wanted - len(done)
        counts = Counter(change.outcome for change in done)
        if missed:
            # What goes on running is counted when the group is looked at again.
            seen, left = len(done) - counts[Cut.SHORTENED], []
        await connection.execute(_COUNT, run.id, seen, *(counts[outcome] for outcome in Cut), len(left))

    await in_one_transaction(connection, work)
    account.changes.update(change.about for change in done)
    account.examples += done[: EXAMPLES_MAX - len(account.examples)]
    account.looked_at += seen
    account.left_listed += len(left)
    if missed:
        return after
    return (rows[-1]["subject_id"], rows[-1]["id"]) if len(rows) == ROWS_MAX else None


async def _write(connection: asyncpg.Connection, desk: _Desk, run: _Run, changes: Sequence[Change]) -> list[Change]:
    """Write the changes of those records that are still as they were read; which these were."""
    if not changes:
        return []
    by_key = {(change.row["subject_id"], change.row["id"]): change for change in changes}
    keys = [(*key, change.row["revision"]) for key, change in by_key.items()]
    cuts, notes, lines, written = [], [], [], []
    for subject_id, record_id, told in await connection.fetch(_LOCKED, *_columns(keys)):
        change = by_key[subject_id, record_id]
        row, outcome, until, ruled = change
        key, feed_state = (subject_id, record_id), told
        if told == FeedState.OPEN:
            # What goes on was not corrected by its source, hence no reason; a copy of it has another last day.
            over = outcome is not Cut.SHORTENED
            feed_state = FeedState.CLOSED if over else told
            lines.append(
                (*key, DisclosureKind.WITHDRAWN, DisclosureReason.PERIOD_ENDED)
                if over
                else (*key, DisclosureKind.CORRECTED, None)
            )
        elif outcome is not Cut.SHORTENED:
            feed_state = FeedState.NONE
        cuts.append((*key, outcome, until, ruled.rule_version, ruled.dishonesty_class, feed_state))
        notes.append(
            (
                *key, row["revision"] + 1, outcome, row["public_until"], until, row["rule_version"], ruled.rule_version,
                ruled.dishonesty_class,
            )
        )  # fmt: skip
        written.append(change)
    if written:
        await connection.execute(_CUT, desk.now, run.by_id, *_columns(cuts))
        await connection.execute(_NOTE, run.id, desk.now, *_columns(notes))
    if lines:
        await connection.execute(_ANNOUNCE, *_columns(lines))
        await wake(connection)
        # What has ended may have named its subject.
        await name_by_records(connection, sorted({line[0] for line in lines}), desk.today, desk.now, run.by_id)
    return written


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
