"""Finding subjects by name: names that may be meant, how far each is from the one asked for, and the nearest subjects.

The rules (which names are candidates, what is near) are functions of the database, beside the index they are made for;
see `docs/search.md`. Who may see a subject and what a filter demands come from the plan, as for any other list.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    ColumnElement,
    Float,
    FromClause,
    Integer,
    Subquery,
    Text,
    cast,
    func,
    literal_column,
    select,
    true,
    tuple_,
    union_all,
)

from hub.domain.names import name_key
from hub.errors import Invalid
from hub.store.names import subject_names

SIGNS_MIN: Final = 2
SIGNS_MAX: Final = 200

SHORTEST_MAX: Final = 1_000
"""Of the names that hold a word which a great many hold, so many are looked at, the shortest first."""

READ_MAX: Final = 10_000
"""About how many rows one search may read, for the cost of an operation."""

# What `search_key` leaves out besides spaces; a test holds the two together.
LEFT_OUT: Final = frozenset("()<>《》〈〉「」『』\"'`“”‘’.,;:!?。、·•‧・-‐‑‒–—―~")

DISTANCE: Final = Column("distance", Integer)
"""How far a subject's nearest name is, in ten-thousandths: the score is the rest."""

Demands = Callable[[FromClause], Sequence[ColumnElement[bool]]]


def asked_for(name: str) -> str:
    """A name as the database may be asked for it.

    Raises Invalid when it is too short or too long to find anything by.
    """
    if len(name) > SIGNS_MAX:
        raise Invalid(f"holds more than {SIGNS_MAX} characters")
    if sum(sign not in LEFT_OUT for sign in name_key(name)) < SIGNS_MIN:
        raise Invalid(f"needs at least {SIGNS_MIN} characters besides spaces and punctuation")
    return name


def nearest(
    name: ColumnElement[str],
    subjects: tuple[FromClause, FromClause],
    demands: Demands,
    after: Sequence[ColumnElement[Any]],
    limit: int,
) -> Subquery:
    """The subjects nearest to a name, behind a place in their order, with their `distance` and `score`.

    `subjects` are two aliases of the same table: it is read in two places.
    """
    shortest, found = subjects
    asked = func.asked_name(name).table_valued(
        Column("key", Text), Column("rare", ARRAY(Text)), Column("every", ARRAY(Text)), Column("common", Boolean),
        Column("shortened", ARRAY(Text)),
        name="asked",
    )  # fmt: skip
    near = candidates(asked, shortest, demands)
    far = func.name_distance(asked.table_valued(), near.c.key, near.c.place).table_valued(
        Column("distance", Integer), name="far"
    )
    distance = func.min(far.c.distance)
    subject = near.c.subject_id
    ranking = select(subject, distance.label("distance")).select_from(asked.join(near, true()).join(far, true()))
    ranking = ranking.group_by(subject).having(distance.is_not(None)).order_by(distance, subject)
    if after:
        ranking = ranking.having(tuple_(distance, subject) > tuple_(*after))
    ranked = ranking.subquery("ranked")
    shown = seen(found, ranked.c.subject_id, demands, "shown")
    score = cast(literal_column("10000") - ranked.c.distance, Float) / literal_column("10000")
    page = select(shown, ranked.c.distance, score.label("score")).select_from(ranked.join(shown, true()))
    # In the order of `ranked`, so that subjects are looked at only until the page is full.
    page = page.order_by(ranked.c.distance, ranked.c.subject_id).limit(literal_column(str(limit)))
    return page.subquery("page")


def candidates(asked: Any, subjects: FromClause, demands: Demands) -> Any:
    """Names that may be meant: by any rare pair, else by all pairs at once, else the shortest that hold what was asked.

    Only one of the three is looked for, as `asked_name` decided; the others ask for null and cost nothing. What has a
    few signs is looked for among short names besides.
    """
    by_rare, by_every, by_length, by_rest = (subject_names.alias(f"n{number}") for number in (1, 2, 3, 4))
    near = [
        select(by_rare).where(func.name_pairs(by_rare.c.key).op("&&")(asked.c.rare)).correlate(asked),
        select(by_every).where(func.name_pairs(by_every.c.key).op("@>")(asked.c.every)).correlate(asked),
        select(by_rest).where(func.shortened_name(by_rest.c.key).op("&&")(asked.c.shortened)).correlate(asked),
    ]
    # Here subjects are looked at first: of a thousand names cut off, those that may not be shown must be none.
    holder = seen(subjects, by_length.c.subject_id, demands, "holder")
    shortest = select(by_length).select_from(by_length.join(holder, true()))
    shortest = shortest.where(asked.c.common, func.strpos(by_length.c.key, asked.c.key) > literal_column("0"))
    shortest = shortest.order_by(func.length(by_length.c.key), by_length.c.subject_id)
    near.append(shortest.limit(literal_column(str(SHORTEST_MAX))).correlate(asked))
    return union_all(*near).lateral("near")


def seen(alias: FromClause, key: ColumnElement[Any], demands: Demands, label: str) -> Any:
    """The subject of a key, where the caller may see it and the filter admits it.

    `offset 0` keeps PostgreSQL from joining all subjects at once where it misjudges how many are asked for.
    """
    return select(alias).where(alias.c.id == key, *demands(alias)).offset(literal_column("0")).lateral(label)
