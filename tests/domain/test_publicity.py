from collections.abc import Collection
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.data import packaged_rows
from hub.domain.dates import add_months
from hub.domain.publicity import KIND_CLASSES, Publication, PublicityPolicy, RuleClass, cut
from hub.settings import Settings
from hub.store.labels import DishonestyClass, PenaltyKind, PeriodRule, ProcedureKind, Publicity

POLICY = PublicityPolicy.packaged()
AT_DECISION = replace(POLICY, transition="RULE_AT_DECISION")
MINOR, GENERAL, SERIOUS = DishonestyClass.MINOR, DishonestyClass.GENERAL, DishonestyClass.SERIOUS
FINE, REVOKE = PenaltyKind.FINE, PenaltyKind.REVOKE_PERMIT
WARNING, CRITICISM = PenaltyKind.WARNING, PenaltyKind.PUBLIC_CRITICISM

DAY_19, DAY_58, DAY_36 = date(2022, 6, 15), date(2024, 6, 15), date(2026, 5, 15)


def penalty(
    decided_on: date,
    *kinds: PenaltyKind,
    policy: PublicityPolicy = POLICY,
    procedure: ProcedureKind | None = None,
    stated: DishonestyClass | None = None,
    today: date | None = None,
    first: date | None = None,
) -> Publication:
    return policy.penalty(decided_on, kinds, procedure, None, stated, today or decided_on, first)


@pytest.mark.parametrize(
    ("decided", "kind", "months", "version"),
    [
        (date(2015, 1, 1), FINE, 12, "2019"),
        (DAY_19, FINE, 12, "2019"),
        (DAY_19, REVOKE, 36, "2019"),
        (date(2023, 4, 30), FINE, 12, "2019"),
        (date(2023, 5, 1), FINE, 36, "ORDER_58"),
        (DAY_58, FINE, 36, "ORDER_58"),
        (DAY_58, REVOKE, 36, "ORDER_58"),
        (date(2026, 3, 31), FINE, 36, "ORDER_58"),
        (date(2026, 4, 1), FINE, 12, "ORDER_36"),
        (DAY_36, REVOKE, 36, "ORDER_36"),
        (DAY_36, PenaltyKind.CONFISCATE_INCOME, 12, "ORDER_36"),
        (DAY_36, PenaltyKind.ORDER_CLOSURE, 36, "ORDER_36"),
    ],
)
def test_the_regime_in_force_and_the_class_give_the_last_day(
    decided: date, kind: PenaltyKind, months: int, version: str
) -> None:
    answer = penalty(decided, kind)
    assert (answer.public_from, answer.public_until) == (decided, add_months(decided, months))
    assert answer.rule_version == version


@pytest.mark.parametrize("policy", [POLICY, AT_DECISION, replace(POLICY, minor_published=True)])
@pytest.mark.parametrize("decided", [DAY_19, DAY_58, DAY_36])
@pytest.mark.parametrize(
    ("kinds", "procedure", "stated"),
    [
        ([WARNING], ProcedureKind.ORDINARY, None),
        ([CRITICISM], None, None),
        ([WARNING, CRITICISM], None, None),
        ([WARNING], None, SERIOUS),
        ([FINE], ProcedureKind.SIMPLE, None),
        ([FINE, WARNING], ProcedureKind.SIMPLE, GENERAL),
    ],
)
def test_simple_procedure_and_mere_warnings_are_never_published(
    policy: PublicityPolicy,
    decided: date,
    kinds: Collection[PenaltyKind],
    procedure: ProcedureKind | None,
    stated: DishonestyClass | None,
) -> None:
    answer = penalty(decided, *kinds, policy=policy, procedure=procedure, stated=stated)
    assert (answer.public_from, answer.public_until) == (None, None)
    assert answer.dishonesty_class is (stated or MINOR)


def test_a_warning_beside_a_fine_is_published_as_the_fine() -> None:
    assert penalty(DAY_36, WARNING, FINE) == penalty(DAY_36, FINE)


def test_several_kinds_follow_the_longest_rules() -> None:
    assert penalty(DAY_36, FINE, REVOKE, WARNING).public_until == add_months(DAY_36, 36)


def test_the_stated_class_prevails() -> None:
    assert penalty(DAY_36, FINE, stated=SERIOUS).public_until == add_months(DAY_36, 36)
    assert penalty(DAY_36, REVOKE, stated=GENERAL).public_until == add_months(DAY_36, 12)


def test_what_is_minor_is_published_only_where_the_place_holds_it_necessary() -> None:
    assert penalty(DAY_36, FINE, stated=MINOR) == Publication(None, None, "ORDER_36", MINOR)
    shown = penalty(DAY_36, FINE, stated=MINOR, policy=replace(POLICY, minor_published=True))
    assert (shown.public_from, shown.public_until) == (DAY_36, add_months(DAY_36, 3))


def test_fines_are_general_unless_thresholds_are_set() -> None:
    assert POLICY.classify([FINE], None, 10**12, None) is GENERAL
    strict = replace(POLICY, serious_fine_fen=100_000_00, minor_fine_fen=1_000_00)
    assert strict.classify([FINE], None, 100_000_00, None) is SERIOUS
    assert strict.classify([FINE], None, 99_999_99, None) is GENERAL
    assert strict.classify([FINE, WARNING], None, 1_000_00, None) is MINOR
    assert strict.classify([FINE, PenaltyKind.CONFISCATE_INCOME], None, 1_000_00, None) is GENERAL
    assert strict.classify([FINE], None, None, None) is GENERAL


def test_no_kind_at_all_is_general() -> None:
    assert POLICY.classify([], None, None, None) is GENERAL


@pytest.mark.parametrize("kind", PenaltyKind)
def test_every_kind_has_a_class_of_its_own_in_every_regime(kind: PenaltyKind) -> None:
    assert POLICY.classify([kind], ProcedureKind.ORDINARY, None, None) is KIND_CLASSES[kind]
    for decided in (DAY_19, DAY_58, DAY_36):
        assert (penalty(decided, kind).public_from is None) == (kind in {WARNING, CRITICISM})


def test_a_new_regime_shortens_a_running_publication() -> None:
    decided, first = date(2025, 10, 20), date(2025, 10, 22)
    before = penalty(decided, FINE, today=date(2026, 3, 31), first=first)
    after = penalty(decided, FINE, today=date(2026, 4, 1), first=first)
    assert (before.public_until, before.rule_version) == (date(2028, 10, 20), "ORDER_58")
    assert (after.public_until, after.rule_version) == (date(2026, 10, 20), "ORDER_36")
    assert before.public_from == after.public_from == first


def test_a_new_regime_never_prolongs_a_publication() -> None:
    answer = penalty(date(2022, 9, 1), FINE, today=date(2023, 8, 1), first=date(2022, 9, 5))
    assert (answer.public_until, answer.rule_version) == (date(2023, 9, 1), "2019")


def test_a_new_regime_ends_what_it_does_not_publish() -> None:
    decided = date(2026, 3, 1)
    assert penalty(decided, FINE, stated=MINOR).public_from == decided
    assert penalty(decided, FINE, stated=MINOR, today=date(2026, 4, 1), first=decided).public_from is None


def test_the_rule_at_decision_may_be_kept_instead() -> None:
    answer = penalty(DAY_58, FINE, policy=AT_DECISION, today=date(2026, 11, 23))
    assert (answer.public_until, answer.rule_version) == (add_months(DAY_58, 36), "ORDER_58")


def test_the_last_day_is_public_and_the_day_after_is_not() -> None:
    end = add_months(DAY_36, 12)
    assert penalty(DAY_36, FINE, today=end) == Publication(end, end, "ORDER_36", GENERAL)
    assert penalty(DAY_36, FINE, today=end + timedelta(days=1)) == Publication(None, None, "ORDER_36", GENERAL)


def test_a_publication_that_has_ended_keeps_its_days() -> None:
    first = DAY_36 + timedelta(days=3)
    answer = penalty(DAY_36, FINE, today=date(2028, 1, 1), first=first)
    assert (answer.public_from, answer.public_until) == (first, add_months(DAY_36, 12))


def item(rule: PeriodRule, publicity: Publicity = Publicity.PUBLIC, **given: Any) -> Publication:
    defaults: dict[str, Any] = {
        "decided_on": DAY_36, "valid_until": None, "max_months": None, "today": date(2026, 5, 20),
        "first_public_on": None,
    }  # fmt: skip
    return POLICY.item(rule, publicity, **{**defaults, **given})


@pytest.mark.parametrize("rule", PeriodRule)
@pytest.mark.parametrize("publicity", [Publicity.ON_REQUEST, Publicity.NOT_PUBLIC])
def test_items_that_are_not_public_have_no_publication(rule: PeriodRule, publicity: Publicity) -> None:
    assert item(rule, publicity, penalty_kinds=[FINE], max_months=12) == Publication()


def test_an_open_end_has_none() -> None:
    assert item(PeriodRule.OPEN_END, valid_until=date(2020, 1, 1)) == Publication(date(2026, 5, 20))


def test_a_licence_is_public_as_long_as_it_is_valid() -> None:
    assert item(PeriodRule.VALIDITY, valid_until=date(2030, 1, 1)) == Publication(date(2026, 5, 20), date(2030, 1, 1))
    assert item(PeriodRule.VALIDITY, valid_until=date(2026, 5, 20)).public_from == date(2026, 5, 20)
    assert item(PeriodRule.VALIDITY) == Publication(date(2026, 5, 20))
    assert item(PeriodRule.VALIDITY, valid_until=date(2026, 5, 19)) == Publication()


def test_a_fixed_period_counts_from_the_decision() -> None:
    assert item(PeriodRule.FIXED, max_months=6).public_until == date(2026, 11, 15)
    assert item(PeriodRule.FIXED, max_months=6, today=date(2026, 11, 16)) == Publication()


def test_a_fixed_period_without_months_is_refused() -> None:
    with pytest.raises(ValueError, match="max_months"):
        item(PeriodRule.FIXED)


def test_a_dishonesty_item_follows_the_rules_of_penalties() -> None:
    assert item(PeriodRule.DISHONESTY, penalty_kinds=[FINE]) == penalty(DAY_36, FINE, today=date(2026, 5, 20))
    assert item(PeriodRule.DISHONESTY, stated_class=SERIOUS).public_until == add_months(DAY_36, 36)


@given(
    st.dates(date(2010, 1, 1), date(2026, 11, 23)),
    st.sets(st.sampled_from(PenaltyKind)),
    st.sampled_from([None, *ProcedureKind]),
    st.sampled_from([None, *DishonestyClass]),
    st.integers(0, 2000),
    st.booleans(),
)
def test_time_only_ever_shortens_a_publication(
    decided: date,
    kinds: Collection[PenaltyKind],
    procedure: ProcedureKind | None,
    stated: DishonestyClass | None,
    days: int,
    published: bool,
) -> None:
    first = decided if published else None
    earlier = penalty(decided, *kinds, procedure=procedure, stated=stated, first=first)
    later = penalty(
        decided, *kinds, procedure=procedure, stated=stated, first=first, today=decided + timedelta(days=days)
    )
    assert later.public_until is None or (later.public_from is not None and earlier.public_until is not None)
    assert later.public_until is None or earlier.public_until is None or later.public_until <= earlier.public_until
    assert earlier.public_from is not None or later.public_from is None


def rows_without(version: str, **same: str) -> list[dict[str, str]]:
    rows = packaged_rows("publicity_rules.csv")
    return [row for row in rows if row["rule_version"] != version or any(row[key] != same[key] for key in same)]


@pytest.mark.parametrize(
    "rows",
    [
        [],
        rows_without("ORDER_58"),
        rows_without("ORDER_36"),
        rows_without("ORDER_58", **{"class": "MINOR"}),
        [{**row, "counted_from": "PUBLICATION"} for row in packaged_rows("publicity_rules.csv")],
    ],
)
def test_rules_with_a_gap_are_refused(rows: list[dict[str, str]]) -> None:
    with pytest.raises(ValueError):
        PublicityPolicy.from_rows(rows)


def test_the_months_of_the_packaged_rules_are_those_of_the_texts() -> None:
    months = {
        (regime.version, name.value): (rule.min_months, rule.max_months)
        for regime in POLICY.regimes
        for name, rule in regime.rules.items()
        if name not in {RuleClass.SIMPLE_PROCEDURE, RuleClass.WARNING_ONLY}
    }
    assert months == {
        ("2019", "MINOR"): (3, 12),
        ("2019", "GENERAL"): (3, 12),
        ("2019", "SERIOUS"): (6, 36),
        ("2019", "SPECIFIC_SERIOUS"): (36, 36),
        ("ORDER_58", "MINOR"): (3, 36),
        ("ORDER_58", "GENERAL"): (3, 36),
        ("ORDER_58", "SERIOUS"): (3, 36),
        ("ORDER_58", "KEY_FIELD"): (12, 36),
        ("ORDER_36", "MINOR"): (0, 3),
        ("ORDER_36", "GENERAL"): (3, 12),
        ("ORDER_36", "SERIOUS"): (12, 36),
    }


def test_the_settings_choose_what_the_texts_leave_open() -> None:
    assert PublicityPolicy.of(Settings()) == POLICY
    chosen = PublicityPolicy.of(
        Settings.from_env(
            {
                "HUB_PUBLICATION_TRANSITION": "rule-at-decision",
                "HUB_SERIOUS_FINE_YUAN": "1000000",
                "HUB_MINOR_FINE_YUAN": "3000",
                "HUB_MINOR_PUBLISHED": "on",
                "HUB_RUN_ON_REGIONS": "410000, 330000",
            }
        )
    )
    assert chosen.choices() == {
        "transition": "RULE_AT_DECISION", "serious_fine_fen": 100_000_000, "minor_fine_fen": 300_000,
        "minor_published": True, "run_on_regions": ("410000", "330000"),
    }  # fmt: skip
    assert chosen.regimes == POLICY.regimes


@pytest.mark.parametrize(
    ("day", "version"),
    [(date(2001, 1, 1), "2019"), (date(2026, 3, 31), "ORDER_58"), (date(2026, 4, 1), "ORDER_36")],
)
def test_a_day_has_one_regime(day: date, version: str) -> None:
    assert POLICY.in_force(day).version == version


days = st.dates(date(2020, 1, 1), date(2030, 1, 1))


@given(start=days, until=st.none() | days, ruled=st.none() | days, today=days)
def test_a_cut_prolongs_nothing_and_ends_nothing_before_it_began(
    start: date, until: date | None, ruled: date | None, today: date
) -> None:
    start = min(start, today)
    until = None if until is None else max(until, today)
    last = cut(start, until, ruled, today)
    assert start <= last
    assert until is None or last <= until
    if ruled is None or ruled < today:
        assert last < today or start == last == today
