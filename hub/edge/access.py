"""What the endpoint needs of callers with tokens: who they are, what they did, and what is written down of it."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from hub.commands.access_log import Reading
from hub.edge.callers import Callers, NoToken
from hub.edge.clients import Budget
from hub.edge.reply import Headers, Reply, error_reply
from hub.identity.tokens import BadToken
from hub.policy.caller import Caller
from hub.query.context import Command, Context
from hub.query.roots import Ready
from hub.store.pool import Pool


class Log(Protocol):
    """What keeps the access log: `hub.commands.access_log`."""

    async def write(self, reading: Reading) -> None: ...


class Access:
    """See the module."""

    def __init__(
        self,
        callers: Callers,
        log: Log,
        writes: Callable[[], Pool],
        commands: Mapping[str, Command],
        challenge: bytes,
    ) -> None:
        self.callers = callers
        self.keeper = log
        self.writes = writes
        self.commands = commands
        self.challenge = challenge

    async def context(self, headers: Mapping[bytes, bytes], budget: Budget, now: datetime) -> Context:
        """The context of a request with a token, understood at `now`.

        Raises NoToken, BadToken, PurposeNotGranted, BadRequest, and what the database raises.
        """
        caller = await self.callers.caller(headers, now.date())
        return self.context_of(caller, budget_key(caller), budget, now)

    def known(self, headers: Mapping[bytes, bytes], budget: Budget, now: datetime) -> Context | None:
        """The same for a token that was seen before, without waiting for anything.

        Raises PurposeNotGranted, BadRequest.
        """
        caller = self.callers.known(headers, now.date())
        return None if caller is None else self.context_of(caller, budget_key(caller), budget, now)

    def nobody(self, client: str, budget: Budget, now: datetime) -> Context:
        """The context of a request without a token whose answer depends on who asks."""
        return self.context_of(Caller(), client, budget, now)

    def context_of(self, caller: Caller, client: str, budget: Budget, now: datetime) -> Context:
        return Context(caller, partial(budget.left, client), self.commands, now)

    async def perform(self, compiled: Ready, request: list[Any]) -> dict[str, Any]:
        """Carry a mutation out, and read what it answers with, in one transaction."""
        async with self.writes().connection() as connection, connection.transaction():
            return {root.key: await root.run(connection, request) for root in compiled.roots}

    def log(self, context: Context, operation: str | None, number: str) -> Awaitable[None]:
        """Write down what an answer shows beyond the public; once this has been awaited, it is kept for good.

        Raises Overloaded where that cannot be done, and then there is no answer.
        """
        caller = context.caller
        principal = caller.principal
        assert principal is not None
        assert context.now is not None
        return self.keeper.write(
            Reading(
                at=context.now,
                client=principal.client,
                department_id=principal.department_id,
                person=principal.person,
                purpose=caller.purpose,
                case_reference=caller.case,
                operation=operation,
                request_id=number,
                seen=context.seen,
                disclosed_from=caller.disclosed_from(context.now),
            )
        )

    def refusal_of(self, fault: Exception) -> Reply | None:
        """What a caller is told whose token is none, or no good: RFC 6750, RFC 9728."""
        match fault:
            case NoToken():
                sentence = "The Authorization header must be Bearer and an access token."
                return error_reply(401, sentence, "UNAUTHENTICATED", self.challenged())
            case BadToken():
                return error_reply(401, fault.sentence, "UNAUTHENTICATED", self.challenged(fault.sentence))
            case _:
                return None

    def challenged(self, sentence: str = "") -> Headers:
        """The challenge, with what is wrong with the token where one was sent (RFC 6750, 3.1)."""
        said = self.challenge
        if sentence:
            said += f', error="invalid_token", error_description="{sentence}"'.encode("ascii")
        return [(b"www-authenticate", said)]


def budget_key(caller: Caller) -> str:
    """By which a client's budget is known; an address never looks so."""
    return f"client:{caller.client}"


def challenge_of(base_url: str) -> bytes:
    """Where a caller without a good token learns how to get one (RFC 9728)."""
    return f'Bearer resource_metadata="{base_url}/.well-known/oauth-protected-resource/graphql"'.encode("ascii")
