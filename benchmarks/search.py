"""`python -m benchmarks.search`: how quickly subjects are found by name, and how many in spite of which error.

Prints a table; with --write, puts it into docs/search.md. The world is `hub seed`'s, as for the other benchmarks: made
in --data-dir unless it is there, or taken from HUB_DATABASE_URL. A look-up is timed from the caller's variables to the
answer's bytes: slots filled, statement run, rows shaped, JSON written; HTTP is left out. On a machine that others use
too, the processor time of PostgreSQL says more; it needs PostgreSQL on this machine, and Linux.
"""

import argparse
import asyncio
import math
import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import asyncpg
import orjson
from rich.console import Console
from rich.table import Table

from benchmarks.world import add_options, opened
from hub.clock import Clock
from hub.query.execute import Engine
from hub.schema import build, sdl
from hub.store.engine import connect

SEARCH = """query ($name: String!) { searchSubjects(name: $name) {
    edges { cursor score node { uscc name formerNames status } } pageInfo { hasNextPage endCursor } } }"""

FORM = re.compile(r"(股份|集团)?有限(责任)?公司$")
BRACKETS = str.maketrans("（）", "()")
COMMON = ("科技", "上海", "工程", "有限公司", "机械", "信息技术", "食品", "建设工程有限公司", "农民专业合作社", "物流")
TABLE = re.compile(r"(?<=<!-- measured -->\n).*(?=<!-- end -->)", re.DOTALL)
DOCUMENT = Path(__file__).parent.parent / "docs" / "search.md"


class Lookup(NamedTuple):
    """What is typed, and whether a subject with these names is one that was meant."""

    typed: str
    meant: Callable[[str, Sequence[str]], bool]


@dataclass
class Found:
    """What became of the look-ups of one kind."""

    first: int = 0
    among_ten: int = 0
    seconds: list[float] = field(default_factory=list)
    postgres_seconds: list[float] = field(default_factory=list)


def is_called(name: str) -> Callable[[str, Sequence[str]], bool]:
    return lambda present, former: name == present or name in former


def holds(*parts: str) -> Callable[[str, Sequence[str]], bool]:
    return lambda present, former: any(all(part in name for part in parts) for name in (present, *former))


class Typist:
    """Types names as people do: in part, in another form, or with a slip in the part that tells a name from others."""

    def __init__(self, chance: Random, signs: str) -> None:
        self.chance = chance
        self.signs = signs

    def place_in(self, name: str) -> int:
        """A place in the short name behind the label that every invented name has; not at the name's end."""
        begin = name.find("示例") + 2
        return self.chance.randrange(begin, min(begin + 3, len(name) - 2))

    def exact(self, name: str) -> Lookup:
        return Lookup(name, is_called(name))

    def without_form(self, name: str) -> Lookup:
        return Lookup(FORM.sub("", name), is_called(name))

    def other_form(self, name: str) -> Lookup:
        other = "有限责任公司" if name.endswith("股份有限公司") else "股份有限公司"
        return Lookup(FORM.sub(other, name), is_called(name))

    def part(self, name: str) -> Lookup:
        part = FORM.sub("", name)[name.find("示例") + 2 :]
        return Lookup(part, holds(part))

    def half_width(self, name: str) -> Lookup:
        return Lookup(name.translate(BRACKETS), is_called(name))

    def without_brackets(self, name: str) -> Lookup:
        return Lookup(name.replace("（", "").replace("）", ""), is_called(name))

    def wrong(self, name: str) -> Lookup:
        place = self.place_in(name)
        return Lookup(name[:place] + self.chance.choice(self.signs) + name[place + 1 :], is_called(name))

    def missing(self, name: str) -> Lookup:
        place = self.place_in(name)
        return Lookup(name[:place] + name[place + 1 :], is_called(name))

    def too_many(self, name: str) -> Lookup:
        place = self.place_in(name)
        return Lookup(name[:place] + self.chance.choice(self.signs) + name[place:], is_called(name))

    def swapped(self, name: str) -> Lookup:
        place = self.place_in(name)
        return Lookup(name[:place] + name[place + 1] + name[place] + name[place + 2 :], is_called(name))

    def part_wrong(self, name: str) -> Lookup:
        part = FORM.sub("", name)[name.find("示例") + 2 :]
        place = self.chance.randrange(min(4, len(part)))
        return Lookup(part[:place] + self.chance.choice(self.signs) + part[place + 1 :], holds(part))

    def short_part(self, name: str, slip: str, signs: int) -> Lookup:
        """A few characters behind the label, with a slip in any of them; two that are swapped are not the same."""
        begin = name.find("示例") + 2
        part = name[begin : begin + signs]
        places = [
            place for place in range(signs - (slip == "swapped")) if slip != "swapped" or part[place] != part[place + 1]
        ]
        place = self.chance.choice(places)
        before, sign, after = part[:place], part[place], part[place + 1 :]
        typed = {
            "wrong": before + self.chance.choice(self.signs) + after,
            "missing": before + after,
            "too many": before + self.chance.choice(self.signs) + sign + after,
            "swapped": before + after[:1] + sign + after[1:],
        }[slip]
        return Lookup(typed, holds(part))

    def latin(self, name: str) -> Lookup:
        words = name.split()
        return Lookup(f"{words[0]} {words[1]}".lower(), holds(f"{words[0]} {words[1]}"))

    def latin_wrong(self, name: str) -> Lookup:
        lookup = self.latin(name)
        place = self.chance.randrange(1, len(lookup.typed) - 1)
        return lookup._replace(typed=lookup.typed[:place] + "x" + lookup.typed[place + 1 :])

    def common(self, _: str) -> Lookup:
        word = self.chance.choice(COMMON)
        return Lookup(word, holds(word))


KINDS: Sequence[tuple[str, str, Callable[[Typist, str], Lookup]]] = (
    ("the name", "chinese", Typist.exact),
    ("a former name", "former", Typist.exact),
    ("without 有限公司", "company", Typist.without_form),
    ("another legal form", "company", Typist.other_form),
    ("a part: no place, no form", "chinese", Typist.part),
    ("half-width brackets", "brackets", Typist.half_width),
    ("no brackets", "brackets", Typist.without_brackets),
    ("one character wrong", "chinese", Typist.wrong),
    ("one character missing", "chinese", Typist.missing),
    ("one character too many", "chinese", Typist.too_many),
    ("two characters swapped", "chinese", Typist.swapped),
    ("a part with one character wrong", "chinese", Typist.part_wrong),
    *(
        (f"{number} characters of it, {kind}", "part", partial(Typist.short_part, slip=slip, signs=signs))
        for number, signs in (("four", 4), ("five", 5))
        for kind, slip in (
            ("one wrong", "wrong"),
            ("one missing", "missing"),
            ("one too many", "too many"),
            ("two swapped", "swapped"),
        )
    ),
    ("two Latin words of three", "latin", Typist.latin),
    ("two Latin words, a letter wrong", "latin", Typist.latin_wrong),
    ("a common word", "chinese", Typist.common),
)

POOLS = {
    "chinese": "name !~ '[a-z]'",
    "company": "name !~ '[a-z]' and name ~ '有限(责任)?公司$'",
    "brackets": "name !~ '[a-z]' and name ~ '（'",
    "part": "name ~ '示例[^（）]{5}'",
    "latin": "name ~ '^[A-Z]'",
}


async def pools_of(connection: asyncpg.Connection, size: int) -> dict[str, list[str]]:
    """Names to look up, of subjects that anyone may see, the same for the same world."""
    pools = {
        pool: await connection.fetch(
            f"select name from subjects where status is not null and {which} order by hashint8(id) limit $1",
            size,
        )
        for pool, which in POOLS.items()
    }
    pools["former"] = await connection.fetch(
        "select former_names[1] from subjects where status is not null and former_names[1] !~ '[a-z]'"
        " order by hashint8(id) limit $1",
        size,
    )
    return {pool: [row[0] for row in rows] for pool, rows in pools.items()}


async def measured(connection: asyncpg.Connection, count: int) -> dict[str, Found]:
    """Every kind's look-ups, in turn, so that all have the same machine."""
    engine = Engine(build()[1], sdl())
    operation = engine.operation(SEARCH, None)
    today = Clock().today()
    pools = await pools_of(connection, count)
    chance = Random("look-ups")
    typist = Typist(chance, "".join(name[4:8] for name in pools["chinese"]))
    found = {kind: Found() for kind, _, _ in KINDS}
    backend = connection.get_server_pid()
    for number in range(-5, count):
        for kind, pool, typed in KINDS:
            lookup = typed(typist, pools[pool][number % len(pools[pool])])
            begun, used = time.perf_counter(), processor_seconds(backend)
            prepared = engine.prepare(operation, {"name": lookup.typed}, today)
            data = await engine.run(*prepared, connection)
            orjson.dumps(data)
            if number < 0:
                continue
            found[kind].seconds.append(time.perf_counter() - begun)
            found[kind].postgres_seconds.append(processor_seconds(backend) - used)
            edges: list[dict[str, Any]] = data["searchSubjects"]["edges"]
            meant = [lookup.meant(edge["node"]["name"], edge["node"]["formerNames"]) for edge in edges[:10]]
            found[kind].first += meant[:1] == [True]
            found[kind].among_ten += any(meant)
    return found


def processor_seconds(pid: int) -> float:
    """How long a process of this machine has run on a processor; not a number where nobody says."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except OSError:
        return math.nan


def percentile(seconds: Sequence[float], share: float) -> str:
    value = sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * share))]
    return "" if math.isnan(value) else f"{value * 1000:.1f}"


def percentiles(seconds: Sequence[float], postgres_seconds: Sequence[float]) -> tuple[str, ...]:
    times = (percentile(seconds, share) for share in (0.5, 0.95, 0.99))
    return (*times, *(percentile(postgres_seconds, share) for share in (0.5, 0.95)))


def rows_of(found: dict[str, Found]) -> list[tuple[str, ...]]:
    """A row for each kind, and one for all."""
    rows: list[tuple[str, ...]] = []
    together = Found()
    for kind, result in found.items():
        count = len(result.seconds)
        together.seconds.extend(result.seconds)
        together.postgres_seconds.extend(result.postgres_seconds)
        times = percentiles(result.seconds, result.postgres_seconds)
        rows.append((kind, f"{result.first / count:.1%}", f"{result.among_ten / count:.1%}", *times))
    rows.append(("all look-ups", "", "", *percentiles(together.seconds, together.postgres_seconds)))
    return rows


HEADINGS = ("what is typed", "first", "among ten", "p50 ms", "p95 ms", "p99 ms", "PostgreSQL CPU p50", "p95 ms")


async def run(url: str, count: int) -> tuple[str, list[tuple[str, ...]]]:
    """Where it was measured, and the rows."""
    connection = await connect(url)
    try:
        await connection.execute("vacuum (analyze) subject_names")
        await connection.execute("set plan_cache_mode = force_generic_plan")  # as the pool of the hub does
        names, subjects = await connection.fetchrow("select names, (select count(*) from subjects) from name_counting")
        version = await connection.fetchval("show server_version")
        size = await connection.fetchval(
            "select pg_size_pretty(pg_total_relation_size('subject_names') + pg_total_relation_size('name_pairs'))"
        )
        rows = rows_of(await measured(connection, count))
    finally:
        await connection.close()
    place = (
        f"{subjects:,} subjects with {names:,} names ({size} with indexes), PostgreSQL {version}, a machine of"
        f" {os.cpu_count()} cores; {count} look-ups of each kind, one at a time, pages of 20."
    )
    return place, rows


def main() -> None:
    """Measure, print, and with --write put the table into the document."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search", description=__doc__)
    add_options(parser)
    parser.add_argument("--lookups", type=int, default=300, help="of each kind")
    parser.add_argument("--write", action="store_true", help=f"put the table into {DOCUMENT.name}")
    options = parser.parse_args()
    with opened(options) as database:
        place, rows = asyncio.run(run(database.url, options.lookups))
    shown = Table(*HEADINGS, title=place)
    for row in rows:
        shown.add_row(*row)
    Console(width=150).print(shown)
    if options.write:
        lines = [HEADINGS, ("---", *["---:"] * (len(HEADINGS) - 1)), *rows]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        text = DOCUMENT.read_text(encoding="utf-8")
        DOCUMENT.write_text(TABLE.sub(lambda _: f"{place}\n\n{table}\n", text), encoding="utf-8")


if __name__ == "__main__":
    main()
