"""Whether subjects that an answer shows are beyond what is public, where their rows alone did not tell.

Almost every subject is registered, and so known to everybody. What else might make one known takes six look-ups into
its records and entries, which PostgreSQL makes ready for every row's sake, needed or not: a fifth of an authorized
pre-check. So a row only says that its subject is not registered, and for the few that are not one statement more asks.
"""

from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import ARRAY, any_, bindparam, select

from hub.policy.sharing import DOUBT, subject_mark
from hub.policy.sight import Sight
from hub.query.context import Context
from hub.query.layout import Fetch
from hub.query.statements import Connection, Statement, statement_of
from hub.query.written import DIALECT
from hub.store.subjects import subjects


def is_doubtful(context: Context) -> bool:
    """Whether it is open of any subject that was seen."""
    return any(DOUBT in items for items in context.seen.values())


async def settle(context: Context, today: date, connection: Connection) -> None:
    """Have every doubt in `context.seen` either noted as what it is, or forgotten.

    A moment later than the row was read: what has become public meanwhile is so when the answer leaves.
    """
    doubtful = [subject for subject, items in context.seen.items() if DOUBT in items]
    statement = _marks(context.caller.sight)
    request = (today, *context.caller.values, context.now, context)
    keys = (None, doubtful)
    arguments = [request[place] if place >= 0 else keys[-1 - place] for place in statement.places]
    marks = dict(await connection.fetch(statement.sql, *arguments))
    for subject in doubtful:
        items = context.seen[subject]
        items.discard(DOUBT)
        mark = marks[subject]
        if mark is not None:
            items.add(mark)
        elif not items:
            del context.seen[subject]


@lru_cache(maxsize=4_096)
def _marks(sight: Sight) -> Statement:
    """Of subjects by their keys, what the access log says of those that not everybody may see."""
    alias = subjects.alias("t1")
    keys: Any = bindparam("k0", type_=ARRAY(subjects.c.id.type))
    asked = select(alias.c.id.label("c0"), subject_mark(sight)(alias).label("c1")).where(alias.c.id == any_(keys))
    text = asked.compile(dialect=DIALECT)
    return statement_of(Fetch(str(text), tuple(text.positiontup or ())), slots=0)
