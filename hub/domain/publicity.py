"""How long a record is public: rules with dates in `publicity_rules.csv`, and pure functions over them.

Publication (公示) begins when the hub first can publish and ends after the last day of a period that counts from the
decision, by itself and without an application (NDRC Order 58; NDRC Order 36, in force from 2026-04-01). A period does
not roll on to the next working day, which would harm the subject. Only this channel's rules stand here: the enterprise
publicity system counts from the publication instead (SAMR Order 45) and needs a function of its own.

What must always hold: an end never stands without a beginning, and a rule in doubt falls for the subject.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from itertools import pairwise
from typing import Literal, Self

from hub.data import packaged_rows
from hub.domain.dates import add_months
from hub.settings import Settings
from hub.store.labels import DishonestyClass, PenaltyKind, PeriodRule, ProcedureKind, Publicity


@dataclass(frozen=True, slots=True)
class Publication:
    """When a record is public: both days inclusive, no `public_from` where it never is, no `public_until` for no end.

    `rule_version` names the regime of `publicity_rules.csv` that decided, null where no versioned rule did.
    """

    public_from: date | None = None
    public_until: date | None = None
    rule_version: str | None = None
    dishonesty_class: DishonestyClass | None = None


class RuleClass(StrEnum):
    """The classes that the rules know: those of dishonesty, and the cases that a regime treats apart.

    SPECIFIC_SERIOUS (2019) and KEY_FIELD (Order 58) differ from their neighbours only in the shortest period, which
    matters to repair; no publication is decided by them.
    """

    SIMPLE_PROCEDURE = "SIMPLE_PROCEDURE"
    WARNING_ONLY = "WARNING_ONLY"
    MINOR = "MINOR"
    GENERAL = "GENERAL"
    SERIOUS = "SERIOUS"
    SPECIFIC_SERIOUS = "SPECIFIC_SERIOUS"
    KEY_FIELD = "KEY_FIELD"


class Published(StrEnum):
    """Whether a class is published; IF_NECESSARY is left to the policy's `minor_published`."""

    NEVER = "NEVER"
    IF_NECESSARY = "IF_NECESSARY"
    ALWAYS = "ALWAYS"


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the rules: months before which no repair ends the publication, and after which it ends by itself."""

    published: Published
    min_months: int | None
    max_months: int | None
    source: str


@dataclass(frozen=True, slots=True)
class Regime:
    """The rules of one instrument, and the days between which they are in force; null is open."""

    version: str
    effective_from: date | None
    effective_to: date | None
    rules: Mapping[RuleClass, Rule]


# What a kind of penalty is where the authority names no class; Order 36 as reported, so the industry authority's own
# classification prevails (State Council General Office 2025 No. 22). Lowering a qualification stands in one number
# with seizing and revoking a permit (Administrative Penalty Law 9(3)).
KIND_CLASSES: Mapping[PenaltyKind, DishonestyClass] = {
    PenaltyKind.WARNING: DishonestyClass.MINOR,
    PenaltyKind.PUBLIC_CRITICISM: DishonestyClass.MINOR,
    PenaltyKind.FINE: DishonestyClass.GENERAL,
    PenaltyKind.CONFISCATE_INCOME: DishonestyClass.GENERAL,
    PenaltyKind.CONFISCATE_PROPERTY: DishonestyClass.GENERAL,
    PenaltyKind.SUSPEND_PERMIT: DishonestyClass.SERIOUS,
    PenaltyKind.DOWNGRADE_QUALIFICATION: DishonestyClass.SERIOUS,
    PenaltyKind.REVOKE_PERMIT: DishonestyClass.SERIOUS,
    PenaltyKind.RESTRICT_BUSINESS: DishonestyClass.SERIOUS,
    PenaltyKind.ORDER_SUSPENSION: DishonestyClass.SERIOUS,
    PenaltyKind.ORDER_CLOSURE: DishonestyClass.SERIOUS,
    PenaltyKind.RESTRICT_PRACTICE: DishonestyClass.SERIOUS,
    PenaltyKind.DETENTION: DishonestyClass.GENERAL,
    PenaltyKind.OTHER: DishonestyClass.GENERAL,
}
if KIND_CLASSES.keys() != set(PenaltyKind):
    raise LookupError("every kind of penalty needs a class")

_WARNINGS = frozenset({PenaltyKind.WARNING, PenaltyKind.PUBLIC_CRITICISM})
_GRAVITY: Mapping[DishonestyClass, int] = {word: place for place, word in enumerate(DishonestyClass)}
_DECIDING = frozenset(RuleClass) - {RuleClass.SPECIFIC_SERIOUS, RuleClass.KEY_FIELD}


@dataclass(frozen=True)
class PublicityPolicy:
    """The regimes, oldest first and without gaps, and what the texts leave to the place that applies them.

    `transition`: SHORTER_END takes, over every regime in force from the decision until today, the one that ends first
    for the subject (or publishes nothing), so a new regime may end a running publication, never prolong it;
    RULE_AT_DECISION keeps to the regime of the decision's day. `serious_fine_fen`: a fine of that or more is SERIOUS;
    `minor_fine_fen`: a decision with nothing but a fine of at most that is MINOR; both are open in the texts, and
    without them every fine is GENERAL. `minor_published`: whether the place holds it necessary to publish what is
    MINOR; simple procedure and mere warnings stay unpublished all the same. `run_on_regions`: divisions, by code,
    whose law lets a publication run on while its subject is on a list of seriously dishonest subjects (Henan's
    regulation, article 19; Zhejiang's, article 16), so that no recomputation cuts it meanwhile.
    """

    regimes: tuple[Regime, ...]
    transition: Literal["SHORTER_END", "RULE_AT_DECISION"] = "SHORTER_END"
    serious_fine_fen: int | None = None
    minor_fine_fen: int | None = None
    minor_published: bool = False
    run_on_regions: tuple[str, ...] = ()

    @classmethod
    def packaged(cls) -> "PublicityPolicy":
        """The policy of the packaged rules, with the defaults; `dataclasses.replace` sets others."""
        return _packaged()

    @classmethod
    def of(cls, settings: Settings) -> "PublicityPolicy":
        """The packaged rules with the choices of the settings."""
        return replace(
            _packaged(),
            transition=settings.publication_transition,
            serious_fine_fen=_fen(settings.serious_fine_yuan),
            minor_fine_fen=_fen(settings.minor_fine_yuan),
            minor_published=settings.minor_published,
            run_on_regions=settings.run_on_regions,
        )

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, str]]) -> Self:
        """A policy of rows in the form of `publicity_rules.csv`.

        ValueError where the regimes leave a gap or overlap, lack a class, or count from anything but the decision.
        """
        regimes: dict[str, Regime] = {}
        for row in rows:
            if row["counted_from"] != "DECISION":
                raise ValueError("periods of this channel count from the decision")
            term = (_day(row["effective_from"]), _day(row["effective_to"]))
            regime = regimes.setdefault(row["rule_version"], Regime(row["rule_version"], *term, {}))
            if (regime.effective_from, regime.effective_to) != term:
                raise ValueError(f"regime {regime.version} has two terms")
            rule = Rule(
                Published(row["published"]), _months(row["min_months"]), _months(row["max_months"]), row["source"]
            )
            regimes[regime.version] = replace(regime, rules={**regime.rules, RuleClass(row["class"]): rule})
        ordered = sorted(regimes.values(), key=lambda regime: regime.effective_from or date.min)
        _check(ordered)
        return cls(tuple(ordered))

    def choices(self) -> Mapping[str, object]:
        """What was chosen where the texts leave a choice, by name."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name != "regimes"}

    def in_force(self, today: date) -> Regime:
        """The regime of a day; before the oldest began, the oldest."""
        begun = [regime for regime in self.regimes if regime.effective_from is None or regime.effective_from <= today]
        return begun[-1] if begun else self.regimes[0]

    def classify(
        self,
        penalty_kinds: Collection[PenaltyKind],
        procedure_kind: ProcedureKind | None,
        fine_fen: int | None,
        stated: DishonestyClass | None,
    ) -> DishonestyClass:
        """The class of dishonesty: the stated one, else MINOR for simple procedure, else that of the gravest kind.

        No kinds at all count as OTHER.
        """
        if stated is not None:
            return stated
        if procedure_kind is ProcedureKind.SIMPLE:
            return DishonestyClass.MINOR
        if fine_fen is not None and self.serious_fine_fen is not None and fine_fen >= self.serious_fine_fen:
            return DishonestyClass.SERIOUS
        kinds = frozenset(penalty_kinds)
        if (
            fine_fen is not None
            and self.minor_fine_fen is not None
            and fine_fen <= self.minor_fine_fen
            and PenaltyKind.FINE in kinds
            and kinds <= _WARNINGS | {PenaltyKind.FINE}
        ):
            return DishonestyClass.MINOR
        classes = [KIND_CLASSES[kind] for kind in kinds] or [KIND_CLASSES[PenaltyKind.OTHER]]
        return max(classes, key=_GRAVITY.__getitem__)

    def penalty(
        self,
        decided_on: date,
        penalty_kinds: Collection[PenaltyKind],
        procedure_kind: ProcedureKind | None,
        fine_fen: int | None,
        stated_class: DishonestyClass | None,
        today: date,
        first_public_on: date | None,
    ) -> Publication:
        """When a penalty is public, as known today; several kinds in one decision follow the longest rules.

        Nothing for simple procedure and for a mere warning or public criticism, whatever class is stated. The last day
        is `add_months` from the decision. Where it is over before the record was ever public, nothing is; a record that
        was public keeps its first day, so that its publication shows as ended. To be asked again when a regime begins.
        """
        dishonesty = self.classify(penalty_kinds, procedure_kind, fine_fen, stated_class)
        regimes = self._regimes_between(decided_on, today)
        rule_class = _rule_class(penalty_kinds, procedure_kind, dishonesty)
        version, until = min(
            ((regime.version, self._last_day(regime.rules[rule_class], decided_on)) for regime in regimes),
            key=lambda answer: answer[1] or date.min,
        )
        if until is None:
            return Publication(rule_version=version, dishonesty_class=dishonesty)
        return replace(_running(until, today, first_public_on), rule_version=version, dishonesty_class=dishonesty)

    def item(
        self,
        period_rule: PeriodRule,
        publicity: Publicity,
        *,
        decided_on: date,
        valid_until: date | None,
        max_months: int | None,
        today: date,
        first_public_on: date | None,
        penalty_kinds: Collection[PenaltyKind] = (),
        procedure_kind: ProcedureKind | None = None,
        fine_fen: int | None = None,
        stated_class: DishonestyClass | None = None,
    ) -> Publication:
        """When a record of a catalogue item is public, for items of every kind.

        Nothing unless the item is PUBLIC: what is given on request or not at all has no publication. OPEN_END has no
        end. VALIDITY ends with the record's own `valid_until`: a licence is public from its arrival to the last day it
        is valid, without an end where it states none, and not at all where it has lapsed before. FIXED ends
        `max_months` after the decision (ValueError without them). DISHONESTY follows `penalty`; a record that is no
        penalty and states no class counts as GENERAL.
        """
        if publicity is not Publicity.PUBLIC:
            return Publication()
        match period_rule:
            case PeriodRule.OPEN_END:
                return _running(None, today, first_public_on)
            case PeriodRule.VALIDITY:
                return _running(valid_until, today, first_public_on)
            case PeriodRule.FIXED:
                if max_months is None:
                    raise ValueError("an item with a FIXED period needs max_months")
                return _running(add_months(decided_on, max_months), today, first_public_on)
            case PeriodRule.DISHONESTY:
                return self.penalty(
                    decided_on, penalty_kinds, procedure_kind, fine_fen, stated_class, today, first_public_on
                )

    def _regimes_between(self, decided_on: date, today: date) -> list[Regime]:
        """The regimes that count, never none: decisions older than the oldest regime fall under it."""
        last = max(decided_on, today) if self.transition == "SHORTER_END" else decided_on
        return [
            regime
            for regime in self.regimes
            if (regime.effective_from is None or regime.effective_from <= last or regime is self.regimes[0])
            and (regime.effective_to is None or regime.effective_to >= decided_on)
        ]

    def _last_day(self, rule: Rule, decided_on: date) -> date | None:
        if rule.published is Published.NEVER or rule.max_months is None:
            return None
        if rule.published is Published.IF_NECESSARY and not self.minor_published:
            return None
        return add_months(decided_on, rule.max_months)


def cut(public_from: date, public_until: date | None, ruled: date | None, today: date) -> date:
    """The last day of a publication that has begun, once a later rule says `ruled`, or that nothing is published.

    Never later than it was. What the rule ends before it began ends today: its last day is the one before, as it is
    of everything that midnight ends, or today where it began only today.
    """
    last = ruled if ruled is not None and ruled >= public_from else max(public_from, today - timedelta(days=1))
    return last if public_until is None else min(public_until, last)


@cache
def _packaged() -> PublicityPolicy:
    return PublicityPolicy.from_rows(packaged_rows("publicity_rules.csv"))


def _rule_class(
    kinds: Collection[PenaltyKind], procedure: ProcedureKind | None, dishonesty: DishonestyClass
) -> RuleClass:
    if procedure is ProcedureKind.SIMPLE:
        return RuleClass.SIMPLE_PROCEDURE
    if kinds and _WARNINGS.issuperset(kinds):
        return RuleClass.WARNING_ONLY
    return RuleClass(dishonesty.value)


def _running(until: date | None, today: date, first_public_on: date | None) -> Publication:
    if first_public_on is None and until is not None and until < today:
        return Publication()
    return Publication(first_public_on or today, until)


def _check(regimes: list[Regime]) -> None:
    if not regimes:
        raise ValueError("there is no regime")
    for earlier, later in pairwise(regimes):
        end, start = earlier.effective_to, later.effective_from
        if end is None or start is None or start.toordinal() - end.toordinal() != 1:
            raise ValueError(f"regime {later.version} does not begin the day after {earlier.version} ends")
    if regimes[-1].effective_to is not None:
        raise ValueError("the last regime has an end")
    for regime in regimes:
        if missing := _DECIDING - regime.rules.keys():
            raise ValueError(f"regime {regime.version} lacks {', '.join(sorted(missing))}")


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _fen(yuan: int | None) -> int | None:
    return None if yuan is None else yuan * 100


def _months(text: str) -> int | None:
    return int(text) if text else None
