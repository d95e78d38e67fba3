"""A mutation that a client sends again under its idempotency key gets the answer of the first time, and does nothing.

Keys are kept for 30 days. Each person who signs in through a client has keys of their own. The same key with another
body is a problem: the client has mixed up two things.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime
from hashlib import sha256
from typing import Any, Final

import asyncpg

from hub.clock import Clock
from hub.domain.persons import mask_persons_in

KEY_CHARACTERS_MAX: Final = 100
KEPT_DAYS: Final = 30
Answer = Mapping[str, Any]


def problem(code: str, message: str, *path: str) -> dict[str, Any]:
    return {"code": code, "message": message, "path": list(path)}


async def once(
    connection: asyncpg.Connection,
    clock: Clock,
    client: str,
    command: str,
    given: Mapping[str, Any],
    work: Callable[[], Awaitable[Answer]],
) -> Answer:
    """Do a client's work once for its key, in the caller's transaction; two at the same time take turns.

    What was refused may be sent again under the same key once it is mended.
    """
    key = given["idempotencyKey"]
    if not key or len(key) > KEY_CHARACTERS_MAX:
        sentence = f"An idempotency key has 1 to {KEY_CHARACTERS_MAX} characters."
        return {"problems": [problem("BAD_IDEMPOTENCY_KEY", sentence, "idempotencyKey")]}
    if mask_persons_in(key)[1]:
        sentence = "An idempotency key must not hold a person's number."
        return {"problems": [problem("BAD_IDEMPOTENCY_KEY", sentence, "idempotencyKey")]}
    body = sha256(json.dumps([command, given], sort_keys=True, default=_plain).encode()).digest()
    await connection.execute("select pg_advisory_xact_lock(hashtext($1), hashtext($2))", client, key)
    row = await connection.fetchrow(
        "select body_hash, answer from idempotency_keys where client_id = $1 and key = $2", client, key
    )
    if row is not None:
        if row["body_hash"] != body:
            sentence = "This idempotency key was used for something else; take a new one."
            return {"problems": [problem("IDEMPOTENCY_CONFLICT", sentence, "idempotencyKey")]}
        kept: Answer = json.loads(row["answer"])
        return kept
    answer = await work()
    if not answer["problems"]:
        await connection.execute(
            "insert into idempotency_keys (client_id, key, body_hash, answer, at) values ($1, $2, $3, $4, $5)",
            client,
            key,
            body,
            json.dumps(answer),
            clock.now(),
        )
    return answer


def _plain(value: Any) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"an input holds a value of {type(value).__name__}")
