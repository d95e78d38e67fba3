"""Rows as the import judges them, in a town with three departments."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from hub.commands.statement import Statement
from hub.domain.names import name_key
from hub.intake.authorities import Authorities, Department
from hub.intake.judging import Judge, Verdict
from hub.intake.layouts import recognise
from hub.intake.tables import Row
from tests.intake.sheets import OFFICE, OFFICE_CODE, company

TODAY = date(2026, 5, 11)


def department(number: int, name: str, uscc: str | None = None, **term: Any) -> Department:
    return Department(number, f"d{number}", uscc, name, name_key(name), **term)


OFFICE_NOW = department(1, OFFICE, OFFICE_CODE)
BUREAU = department(2, "南京市工商行政管理局", term_until=date(2019, 1, 10), successor_id=3)
MARKETS = department(3, "南京市市场监督管理局", company(900), term_from=date(2019, 1, 11))
AUTHORITIES = Authorities([OFFICE_NOW, BUREAU, MARKETS])


def judged(row: Mapping[str, Any], *, also: Mapping[str, str] | None = None) -> Verdict:
    columns = {**row, **(also or {})}
    layout = recognise(list(columns))
    assert layout is not None
    judge = Judge(layout, AUTHORITIES, OFFICE_NOW, TODAY, width=len(columns))
    return judge.judge(Row(2, ["" if value is None else str(value) for value in columns.values()]))


def accepted(row: Mapping[str, Any], **options: Any) -> Statement:
    verdict = judged(row, **options)
    assert verdict.statement is not None, verdict.faults
    return verdict.statement


def remarks(verdict: Verdict) -> list[tuple[str, str | None]]:
    return [(remark.code, remark.field) for remark in verdict.faults or verdict.doubts]
