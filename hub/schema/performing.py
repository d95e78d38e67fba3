"""Mutations by name: from an input as the schema has it to one command, and back to what the payload shows.

Each has three steps: may the caller; the command; its outcome. Nothing is decided here.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from hub.clock import Clock
from hub.commands.grants import Outcome, Terms, grant_access, revoke_access
from hub.commands.once import once, problem
from hub.errors import Invalid
from hub.policy.caller import Caller
from hub.policy.principal import Principal
from hub.policy.scopes import OwnedScope
from hub.query.context import Command
from hub.query.ids import decode_id


def performing(clock: Clock, purposes: Collection[str]) -> Mapping[str, Command]:
    """The mutations of the schema."""

    async def grant(connection: Any, caller: Caller, given: Mapping[str, Any]) -> Mapping[str, Any]:
        who = _principal(caller)

        async def work() -> Mapping[str, Any]:
            if not who.holds(f"{given['owner']}/{OwnedScope.GRANTS_WRITE}"):
                return _refused("owner")
            terms = Terms(
                given["owner"],
                given["grantee"],
                given["catalogueItems"],
                given["purposes"],
                given.get("from"),
                given.get("until"),
            )
            made = await grant_access(connection, clock, terms, known_purposes=purposes, by=who.department_id)
            return _payload(made)

        return {"grant": [], **await once(connection, clock, _key_holder(who), "grantAccess", given, work)}

    async def revoke(connection: Any, caller: Caller, given: Mapping[str, Any]) -> Mapping[str, Any]:
        who = _principal(caller)

        async def work() -> Mapping[str, Any]:
            if not who.granting_departments:
                return _refused("grant")
            try:
                named = decode_id(given["grant"])
            except Invalid:
                named = None
            number = named.numbers[0] if named is not None and named.tag == "G" else 0
            ended = await revoke_access(
                connection,
                clock,
                number,
                owners=who.granting_departments,
                expected_revision=given["expectedRevision"],
                revoked_by=f"client {who.client}" + ("" if who.person is None else f", person {who.person}"),
                reason=given.get("reason"),
                by=who.department_id,
            )
            return _payload(ended)

        return {"grant": [], **await once(connection, clock, _key_holder(who), "revokeAccess", given, work)}

    commands: dict[str, Callable[[Any, Caller, Any], Awaitable[Mapping[str, Any]]]] = {
        "grantAccess": grant,
        "revokeAccess": revoke,
    }
    return commands


def _principal(caller: Caller) -> Principal:
    assert caller.principal is not None, "the planner lets nobody without a token through"
    return caller.principal


def _key_holder(who: Principal) -> str:
    """Whose idempotency keys these are: a client's, or of many people who sign in through one, each person's own."""
    return who.client if who.person is None else f"{who.client} {who.person}"


def _refused(field: str) -> Mapping[str, Any]:
    sentence = "This needs the owner's scope grants:write, which no delegation lends."
    return {"grant": [], "problems": [problem("FORBIDDEN", sentence, field)]}


def _payload(outcome: Outcome) -> Mapping[str, Any]:
    return {
        "grant": [] if outcome.grant_id is None else [outcome.grant_id],
        "problems": [problem(each.code, each.message, *each.path) for each in outcome.problems],
    }
