"""The factories of the tests hold to what the database holds to."""

from datetime import date

import asyncpg
import pytest

from hub.domain.uscc import inner_check_holds, parse_uscc
from hub.store.labels import ListingStatus, RecordKind
from tests import make


@pytest.mark.parametrize("prefix", ["91", "92", "12", "A1", "N2", "Y1"])
def test_made_codes_are_well_formed(prefix: str) -> None:
    code = make.uscc(prefix=prefix)
    assert parse_uscc(code) == code
    assert inner_check_holds(code)


async def test_every_factory_works_without_arguments(connection: asyncpg.Connection) -> None:
    for factory in (
        make.department,
        make.item,
        make.subject,
        make.legal_representative,
        make.relation,
        make.evaluation,
        make.commitment,
        make.record,
        make.measure,
        make.sanctions_list,
        make.entry,
        make.disclosure,
    ):
        assert await factory(connection)


async def test_records_of_every_kind_and_listings_of_every_status_can_be_made(connection: asyncpg.Connection) -> None:
    subject_id = await make.subject(connection, representative="王某")
    for kind in RecordKind:
        await make.record(connection, subject_id=subject_id, kind=kind, decided_on=date(2026, 3, 1))
    for status in ListingStatus:
        key = await make.entry(connection, subject_id=subject_id, status=status)
        steps = await connection.fetch(
            "select status from listing_steps where subject_id = $1 and entry_id = $2 order by id", *key
        )
        assert steps[-1]["status"] == status
