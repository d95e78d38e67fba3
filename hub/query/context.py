"""What one request carries beside its values: who asks, and what was seen on the way that is not public.

It is the last of a request's values, so that generated shapers find it without knowing how many there are.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import zip_longest
from typing import Any

from graphql import GraphQLError

from hub.policy.caller import ANONYMOUS, Caller
from hub.query import plan as p

# What a mutation does: on a connection within a transaction, for a caller, with an input; it gives what the payload
# shows, by name, and keys of rows rather than their content.
Command = Callable[[Any, Caller, Any], Awaitable[Mapping[str, Any]]]


class Context:
    """See the module. `seen` holds, for each subject, what of it was seen: catalogue items, lists, kinds of data.

    `now` is when the request was understood; none for everybody, of whom nothing depends on it.
    """

    __slots__ = ("caller", "commands", "cost_left", "now", "seen")

    def __init__(
        self,
        caller: Caller = ANONYMOUS,
        cost_left: Callable[[], Awaitable[int | None]] | None = None,
        commands: Mapping[str, Command] | None = None,
        now: datetime | None = None,
    ) -> None:
        self.caller = caller
        self.cost_left = cost_left
        self.commands = commands or {}
        self.now = now
        self.seen: dict[int, set[str]] = {}

    def saw(self, subject: int, item: str) -> None:
        """Note something that is not public."""
        found = self.seen.get(subject)
        if found is None:
            self.seen[subject] = {item}
        else:
            found.add(item)

    async def perform(self, command: str, connection: Any, given: Any) -> Mapping[str, Any]:
        """Carry a mutation's command out."""
        return await self.commands[command](connection, self.caller, given)

    async def given(self, names: Sequence[str]) -> Mapping[str, Any]:
        """What `viewer` shows of the caller, under the names that the schema uses."""
        principal = self.caller.principal
        values: dict[str, Any] = {
            "client": None, "person": None, "department": (), "subject": (), "scopes": [], "purposes": [], "grants": (),
            "grantsGiven": (),
        }  # fmt: skip
        if principal is not None:
            values = {
                "client": principal.client,
                "person": principal.person,
                "department": () if principal.department_id is None else (principal.department_id,),
                "subject": () if principal.subject_id is None else (principal.subject_id,),
                "scopes": sorted(principal.scopes),
                "purposes": sorted(principal.purposes),
                "grants": tuple(opening.grant_id for opening in principal.openings),
                # By their owners, as the database has them now: whoever has just granted something looks for it here.
                "grantsGiven": principal.granting_departments,
            }
        if "costLeft" in names:
            values["costLeft"] = None if self.cost_left is None else await self.cost_left()
        return values


# The context of everybody without a token: nothing is noted in it, as nothing beyond what is public is seen.
NOBODY = Context()


def left_out(plan: p.Plan, request: Sequence[Any], data: Mapping[str, Any], most: int) -> list[GraphQLError]:
    """What an answer must say is not in it: fields that are null, each with its path, then what lists leave out.

    An error with a path is one whose field is null, so what stands beside public data has only the field's name.
    """
    notices = {notice.path: notice for notice in plan.notices if concerns(notice, request, data)}
    nulls = [notice for notice in notices.values() if next(nulls_of(notice.path, data), None) is not None]
    return [
        *denied([*plan.denials, *nulls], data, most),
        *(GraphQLError(n.sentence, extensions=n.extensions) for n in notices.values() if n not in nulls),
    ]


def denied(denials: Sequence[p.Denial | p.Notice], data: Any, most: int) -> list[GraphQLError]:
    """An error for each place of the answer where a field is null that the caller may not have, with its path.

    At most `most`, and then the last one says that there are more: each field is named before the second place of any.
    """
    errors: dict[tuple[str | int, ...], GraphQLError] = {}
    for places in zip_longest(*(nulls_of(denial.path, data) for denial in denials)):
        for denial, path in zip(denials, places, strict=True):
            if path is None or path in errors:
                continue
            if len(errors) == most:
                errors.popitem()
                sentence = f"More places are null than the {most} errors that an answer may have."
                return [*errors.values(), GraphQLError(sentence, extensions={"code": denial.extensions["code"]})]
            errors[path] = GraphQLError(denial.sentence, path=list(path), extensions=denial.extensions)
    return list(errors.values())


def concerns(notice: p.Notice, request: Sequence[Any], data: Mapping[str, Any]) -> bool:
    """Whether the answer holds what a notice is about."""
    closed = request[-1].caller.closed_items
    if notice.if_closed and not closed:
        return False
    if notice.items is not None and closed.isdisjoint(request[notice.items.index]):
        return False
    keys = None if notice.slot is None else request[notice.slot.index]
    if not notice.if_null:
        return keys is None or any(key and key[0] == notice.branch for key in keys)
    found = data[notice.path[0]]
    answers = found if isinstance(found, list) else [found]
    if keys is None:
        return None in answers
    return any(key and key[0] == notice.branch and answer is None for key, answer in zip(keys, answers, strict=True))


def nulls_of(keys: Sequence[str], data: Any, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where in an answer the keys lead to null: through every place of the lists on their way."""
    if isinstance(data, list):
        for place, item in enumerate(data):
            yield from nulls_of(keys, item, (*above, place))
    elif isinstance(data, dict) and keys[0] in data:
        path = (*above, keys[0])
        if len(keys) > 1:
            yield from nulls_of(keys[1:], data[keys[0]], path)
        elif data[keys[0]] is None:
            yield path
