"""What the operations of the oracle ask with: values out of a world, and values that are wrong."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from random import Random
from typing import Any, NamedTuple

from tests import make
from tests.oracle.law import Row, World
from tests.oracle.ranking import key_of
from tests.oracle.tokens import cursor, global_id
from tests.oracle.world import TODAY, TOMORROW, YESTERDAY

# Distances of a search: the name itself, a former one, all but the legal form, a part, a name alike.
SCORES = (0, 200, 500, 1_500, 2_500, 3_800, 5_000)


class Sought(NamedTuple):
    """A subject that a search means: its names, and for each key of the filter what holds of it."""

    names: Sequence[str]
    holds: Mapping[str, Sequence[Any]]


class Pools(NamedTuple):
    """Values to ask with, by what they are: some name what may be seen, some what may not, some nothing.

    `sought` are the subjects that searches are aimed at, and `found` tells where whom a text finds stands.
    """

    values: Mapping[str, Sequence[Any]]
    faults: Mapping[str, Sequence[Any]]
    sought: Sequence[Sought] = ()
    found: Callable[[str], Sequence[tuple[int, int, int]]] = lambda _: ()


def pools_of(world: World) -> Pools:
    """The pools of a world, in a stable order."""
    tables = world.tables
    # Half of the time, those on whom the most hangs: on most subjects little does.
    weight = dict.fromkeys(world.subjects, 0)
    for (_, subject), rows in world.of_subject.items():
        if subject in weight:
            weight[subject] += len(rows)
    heaviest = sorted(weight, key=lambda subject: -weight[subject])[:4]
    busy = [world.subjects[subject]["uscc"] for subject in heaviest]
    people_see = [row["uscc"] for row in world.subjects.values()]
    hidden = [row["uscc"] for row in tables["subjects"] if row["id"] not in world.subjects]
    records = [global_id("R", row["subject_id"], row["id"]) for row in tables["records"]]
    entries = [global_id("E", row["subject_id"], row["id"]) for row in tables["sanctions_entries"]]
    other_ids = [
        *(global_id("S", row["id"]) for row in tables["subjects"]),
        *(global_id("L", row["id"]) for row in tables["sanctions_lists"]),
        *(global_id("D", row["subject_id"], row["position"]) for row in world.feed[::7]),
        *(global_id("C", row["subject_id"], row["id"]) for row in tables["commitments"][:3]),
        "S7fffffffffffffff",
        "L7fffffffffffffff",
        "R1-7fffffffffffffff",
        "R7fffffffffffffff-1",
    ]
    codes = {
        table: [*(row["code"] for row in tables[table]), "unknown"]
        for table in ("departments", "sanctions_lists", "measures", "catalogue_items")
    }
    codes["regions"] = ["310000", "310104", "320000", "320100", "110000", "999999", "31", "", "000000"]
    codes["industries"] = ["C", "26", "2614", "7291", "0"]
    values: dict[str, Sequence[Any]] = {
        "uscc": [
            *(busy * 30),
            *people_see,
            *hidden,
            f" {people_see[0].lower()} ",
            make.uscc(99_999_999),
            "911100007109250324",
        ],
        "id": [*records, *entries, *other_ids],
        "record id": records,
        "entry id": entries,
        "list id": [global_id("L", row["id"]) for row in tables["sanctions_lists"]],
        "subject id": [global_id("S", row["id"]) for row in tables["subjects"]],
        "records cursor": [cursor("records", row["decided_on"], row["id"]) for row in tables["records"]],
        "entries cursor": [cursor("entries", row["id"]) for row in tables["sanctions_entries"]],
        "disclosures cursor": [cursor("disclosures", row["at"], row["position"]) for row in world.feed],
        "day": [*(day.isoformat() for day in (TODAY, YESTERDAY, TOMORROW)), "1900-01-01", "9999-12-30", "2024-02-29"],
        "flag": [True, False],
        "name": names_of(world),
        "search cursor": [
            *(cursor("search", far, 12, number) for far in SCORES for number in list(world.subjects)[::9]),
            "search-0-0-0",
            "search-7fffffff-1-1",
            "search-80000000-1-1",
            "search-7fffffffffffffff-7fffffffffffffff-7fffffffffffffff",
        ],
        "readings cursor": ["readings-0-0", "readings-1-1", "readings-64a1b2c3d4e5f-1f"],
        **codes,
    }
    faults: dict[str, Sequence[Any]] = {
        "uscc": ["", "914403001922038215", "11010519491231002X", 7],
        "id": ["", "S", "S0", "S01", "R1", "X1-1", "S8000000000000000", "S1-1", "s1", "S1 ", "U3ViamVjdDox"],
        "records cursor": ["", "entries-1", "records-1", "records-0-1", "records-ffffffffff-1", "disclosures-1-1", "x"],
        "entries cursor": ["", "entries-0", "entries-1-1", "records-b4984-1", "entries-A"],
        "disclosures cursor": ["", "disclosures-1", "disclosures-7fffffffffffffff-1", "records-b4984-1"],
        "name": ["", "无", "（无）", " - ", "示" * 201],
        "search cursor": [
            "",
            "search-1",
            "search-1-1",
            "search-1-1-1-1",
            "search-01-1-1",
            "search-8000000000000000-1-1",
            "records-b4984-1",
        ],
        "readings cursor": ["", "readings-1", "disclosures-1-1", "readings-7fffffffffffffff-1"],
        "day": ["", "2026-02-30", "1899-12-31", "2026-W01-1", "20260101", "2026-01-01T00:00:00+08:00", 20260101],
        "size": [-1, 501, 1_000_000, 2**31, "5", True],
    }

    @lru_cache(1_000)
    def found(text: str) -> Sequence[tuple[int, int, int]]:
        return world.ranking.ranked(text, set(world.subjects))

    # Few have an industry or a former name, and a search by one is to find somebody all the same.
    rare = [row for row in tables["subjects"] if row["industry_code"] or row["former_names"]]
    aims = [*tables["subjects"], *(rare * 3)]
    return Pools(values, faults, [sought(world, row) for row in aims], found)


def sought(world: World, row: Row) -> Sought:
    """A subject as searches are aimed at it, whether or not it may be seen."""
    names = [name for name in (row["name"], *row["former_names"]) if len(key_of(name)) > 1]
    region, industry = row["region_code"], row["industry_code"]
    section = world.by["industries", "code"].get((industry or "")[:2], {}).get("section")
    holds = {
        "kinds": [row["kind"]],
        "statuses": [row["status"]],
        "regions": [region, region[:4] + "00", region[:2] + "0000"] if region else [],
        "industries": [industry, industry[:3], industry[:2], section] if industry else [],
    }
    return Sought(names, {key: [value for value in values if value] for key, values in holds.items()})


LEGAL_FORM = re.compile(r"(?:股份|集团|（集团）)*有限(?:责任)?公司$|,? (?:Co\., )?(?:Ltd|Limited|Inc)\.?$")
FULL_WIDTH = {sign: sign + 0xFEE0 for sign in range(0x21, 0x7F)}


def typed(random: Random, name: str) -> str:
    """A name as somebody may type it: whole, in part, in other signs, or with a slip."""
    bare = LEGAL_FORM.sub("", name)
    start = random.randrange(max(1, len(bare) - 2))
    place = random.randrange(len(name))
    before, sign, after = name[:place], name[place], name[place + 1 :]
    text = random.choice(
        (
            name,
            bare,
            bare[: random.randint(2, 6)],
            bare[start : start + random.randint(2, 8)],
            name[-4:],
            before + after,
            before + random.choice("云司A0") + after,
            before + sign + sign + after,
            before + after[:1] + sign + after[1:],
            f"{before}（{sign}）{after}",
            f" {before} {sign}·{after}",
            name.swapcase().translate(FULL_WIDTH),
        )
    )
    return text if len(key_of(text)) > 1 else name


def names_of(world: World) -> list[str]:
    """Names present and former, of subjects that may be seen or not; parts of them, and names with a slip."""
    tables = world.tables
    names = [name for row in tables["subjects"] for name in (row["name"], *row["former_names"])]
    names = [name for name in dict.fromkeys(names) if len(key_of(name)) > 3]
    slips = [name[:2] + "云" + name[3:] for name in names[::3]] + [name[:1] + name[2:] for name in names[1::3]]
    parts = [name[1:5] for name in names[::2]] + [name[2:] for name in names[1::2]]
    parts = [part for part in parts if len(key_of(part)) > 1]
    # Nobody is found by a person's name.
    persons = [row["name"] for row in tables["legal_representatives"] + tables["responsible_persons"]]
    return [
        *names,
        *slips,
        *parts,
        *persons,
        "科技",
        "示例",
        "有限公司",
        "odd sons",
        "ＯＤＤ ＆ Ｓ",
        "%_",
        "谁也不叫这个",
    ]
