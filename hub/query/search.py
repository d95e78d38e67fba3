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
    Select,
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
from sqlalchemy.dialects.postgresql import distinct_on

from hub.domain.names import name_key
from hub.errors import Invalid
from hub.store.names import subject_names

SIGNS_MIN: Final = 2
SIGNS_MAX: Final = 200

READ_MAX: Final = 10_000
"""About how many rows one search may read, for the cost of an operation."""

# What `search_key` leaves out besides spaces; a test holds the two together.
LEFT_OUT: Final = frozenset("()<>《》〈〉「」『』\"'`“”‘’.,;:!?。、·•‧・-‐‑‒–—―~")

DISTANCE: Final = Column("distance", Integer)
"""How far a subject's nearest name is, in ten-thousandths: the score is the rest."""

LENGTH: Final = Column("length", Integer)
"""How many signs the key of that name has: of names as far as each other, the shorter ones come first."""

# In ten-thousandths, as in `name_distance`: what a name has that begins with what was asked for, or holds it, less a
# thousand times the share that was asked for; and what a former name has more than a present one.
BEGINS, HOLDS, FORMER = 2_000, 3_000, 200

Demands = Callable[[FromClause], Sequence[ColumnElement[bool]]]


def asked_for(name: str) -> str:
    """A name as the database may be asked for it.

    Raises Invalid when it is too short or too long to find anything by.
    """
    # A sign may stand for several, up to eighteen; and no key is worth making of a text that is far too long.
    if len(name) > SIGNS_MAX or len(key := name_key(name)) > SIGNS_MAX:
        raise Invalid(f"holds more than {SIGNS_MAX} characters")
    if sum(sign not in LEFT_OUT for sign in key) < SIGNS_MIN:
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
    holding, found = subjects
    asked = func.asked_name(name).table_valued(
        Column("key", Text), Column("core", Text), Column("rare", ARRAY(Text)), Column("every", ARRAY(Text)),
        Column("common", Boolean), Column("shortened", ARRAY(Text)), Column("spans", ARRAY(Text)),
        name="asked",
    )  # fmt: skip
    near = candidates(asked, holding, demands, after, limit)
    far = distance_of(asked, near, "far")
    length = func.length(near.c.key).label("length")
    names = select(near.c.subject_id, far.c.distance, length).select_from(asked.join(near, true()).join(far, true()))
    names = names.ext(distinct_on(near.c.subject_id)).order_by(near.c.subject_id, far.c.distance, length)
    each = names.subquery("each")
    place = (each.c.distance, each.c.length, each.c.subject_id)
    # Out here: PostgreSQL would measure each name a second time for it.
    ranking = select(each).where(each.c.distance.is_not(None)).order_by(*place)
    if after:
        ranking = ranking.where(tuple_(*place) > tuple_(*after))
    ranked = ranking.subquery("ranked")
    shown = seen(found, ranked.c.subject_id, demands, "shown")
    score = cast(literal_column("10000") - ranked.c.distance, Float) / literal_column("10000")
    page = select(shown, ranked.c.distance, ranked.c.length, score.label("score"))
    page = page.select_from(ranked.join(shown, true()))
    # In the order of `ranked`, so that subjects are looked at only until the page is full.
    page = page.order_by(ranked.c.distance, ranked.c.length, ranked.c.subject_id).limit(literal_column(str(limit)))
    return page.subquery("page")


def distance_of(asked: Any, names: FromClause, label: str) -> Any:
    """How far a name is from the one asked for; null where it is another name."""
    return func.name_distance(asked.table_valued(), names.c.key, names.c.place).table_valued(DISTANCE, name=label)


def candidates(
    asked: Any, subjects: FromClause, demands: Demands, after: Sequence[ColumnElement[Any]], limit: int
) -> Any:
    """Names that may be meant: by any rare pair, else by all pairs at once, else the nearest that hold what was asked.

    Only one of the three is looked for, as `asked_name` decided; the others ask for null and cost nothing. What is the
    same but for the legal form is looked for besides, and a slip in a few signs by what it leaves of them.
    """
    by_core, by_rare, by_every, by_rest, by_span, other = (subject_names.alias(f"n{number}") for number in range(1, 7))
    near = [
        select(by_core).where(func.name_core(by_core.c.key) == asked.c.core),
        select(by_rare).where(func.name_pairs(by_rare.c.key).op("&&")(asked.c.rare)),
        select(by_every).where(func.name_pairs(by_every.c.key).op("@>")(asked.c.every)),
        # With all names of their subjects: a page that continues may have left behind the one that holds the word.
        select(other)
        .select_from(by_rest.join(other, other.c.subject_id == by_rest.c.subject_id))
        .where(func.shortened_name(by_rest.c.key).op("&&")(asked.c.shortened)),
        select(by_span).where(func.name_spans(by_span.c.key).op("&&")(asked.c.spans)),
    ]
    holding = [holders(asked, subjects, demands, after, begins=begins) for begins in (True, False)]
    cut = literal_column(str(limit), Integer)
    present = union_all(*(each.limit(cut).correlate(asked) for each in holding)).cte("present", nesting=True)
    # Farther than as many present names as a page has, no former one comes into it.
    last = select(present.c.distance).order_by(present.c.distance)
    bound = last.offset(literal_column(str(limit - 1))).limit(literal_column("1")).scalar_subquery()
    former = [holders(asked, subjects, demands, after, begins=begins, bound=bound) for begins in (True, False)]
    near += [select(present.c.subject_id, present.c.place, present.c.key)]
    near += [select(*each.limit(cut).correlate(asked).subquery().c["subject_id", "place", "key"]) for each in former]
    return union_all(*(each.correlate(asked) for each in near)).lateral("near")


def holders(
    asked: Any,
    subjects: FromClause,
    demands: Demands,
    after: Sequence[ColumnElement[Any]],
    *,
    begins: bool,
    bound: ColumnElement[int] | None = None,
) -> Select[Any]:
    """Names that hold a word which a great many hold, behind a place in the order, the nearest first.

    Of each kind the shorter is the nearer, so that an index brings them in the order of their distance: whatever is cut
    off is farther. Only subjects that may be shown count, and of a subject only its nearest name. With a bound they are
    former names, as far as that; else present ones.
    """
    names, other = subject_names.alias("n"), subject_names.alias("other")
    length = func.length(names.c.key)
    former = bound is not None
    most: ColumnElement[int] = literal_column(str((BEGINS if begins else HOLDS) + FORMER * former))
    signs: ColumnElement[int] = literal_column("1000") * func.length(asked.c.core if begins else asked.c.key)
    distance = (most - signs.op("/")(length)).label("distance")
    holder = seen(subjects, names.c.subject_id, demands, "holder")
    far = distance_of(asked, other, "other_far")
    nearest_name = select(other.c.place).select_from(other.join(far, true()))
    nearest_name = nearest_name.where(other.c.subject_id == holder.c.id).correlate(asked, holder)
    nearest_name = nearest_name.order_by(far.c.distance, func.length(other.c.key), other.c.place)
    nearest = nearest_name.limit(literal_column("1")).lateral("nearest")
    found = select(*names.c, distance).select_from(
        names.join(holder, true()).join(nearest, nearest.c.place == names.c.place)
    )
    at_begin = func.strpos(names.c.key, asked.c.core)
    nought, one, two = (literal_column(number, Integer) for number in "012")
    found = found.where(asked.c.common, func.strpos(names.c.key, asked.c.key) > nought)
    if begins:
        same_begin = func.left(names.c.key, two) == func.left(asked.c.core, two)
        found = found.where(same_begin, at_begin == one, func.name_core(names.c.key) != asked.c.core)
    else:
        found = found.where(at_begin != one)
    # Where a distance is a bound, its length is told as well, for the index to begin or end there.
    if bound is None:
        found = found.where(names.c.place == nought)
    else:
        longest = signs.op("/")(func.nullif(func.greatest(most - bound, nought), nought))
        found = found.where(names.c.place > nought, length <= func.coalesce(longest, literal_column("1000000")))
    if after:
        shortest = signs.op("/")(func.nullif(func.greatest(most - after[0] + one, nought), nought))
        found = found.where(length > shortest, tuple_(distance, length, names.c.subject_id) > tuple_(*after))
    return found.order_by(length, names.c.subject_id)


def seen(alias: FromClause, key: ColumnElement[Any], demands: Demands, label: str) -> Any:
    """The subject of a key, where the caller may see it and the filter admits it.

    `offset 0` keeps PostgreSQL from joining all subjects at once where it misjudges how many are asked for.
    """
    return select(alias).where(alias.c.id == key, *demands(alias)).offset(literal_column("0")).lateral(label)
