"""Hears of every change of a right, in each process, on a connection of its own (`LISTEN hub_rights`).

A notification makes the verifier forget. Three times a second the connection is asked for a sign of life; each answer
lets the verifier serve what it keeps for less than a second from when it was asked. A connection that has died without
a word, or a database that has stopped, therefore ends that within a second, too.
"""

import asyncio
import logging
from time import monotonic
from typing import Final

import asyncpg

from hub.identity.verifier import Verifier
from hub.store.engine import connect
from hub.store.identity import RIGHTS_CHANNEL

log = logging.getLogger(__name__)

SERVED_SECONDS: Final = 0.9
ASKED_SECONDS: Final = 0.3
ANSWER_SECONDS: Final = 0.6
CONNECT_SECONDS_MAX: Final = 10.0
PAUSE_SECONDS_FIRST: Final = 0.1
PAUSE_SECONDS_MAX: Final = 2.0
BROKEN: Final = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


async def keep_watching(url: str, verifier: Verifier, stop: asyncio.Event) -> None:
    """Watch until `stop` is set; a connection that is lost is opened anew. Raises nothing but cancellation."""
    pause = PAUSE_SECONDS_FIRST
    while not stop.is_set():
        try:
            connection = await asyncio.wait_for(connect(url), CONNECT_SECONDS_MAX)
            try:
                pause = PAUSE_SECONDS_FIRST
                await _watch(connection, verifier, stop)
            finally:
                verifier.lapse()
                connection.terminate()
        except BROKEN as reason:
            log.warning("rights: no database (%s); asking for each token until it is back", type(reason).__name__)
            await _wait(stop, pause)
            pause = min(pause * 2, PAUSE_SECONDS_MAX)


async def _watch(connection: asyncpg.Connection, verifier: Verifier, stop: asyncio.Event) -> None:
    # So that an operator sees what this connection is for.
    await connection.execute("set application_name = 'hub rights'")
    connection.add_termination_listener(lambda _: verifier.lapse())
    await connection.add_listener(RIGHTS_CHANNEL, lambda *_: verifier.forget())
    # Whatever was found out before we listened may have changed unheard.
    verifier.forget()
    while not stop.is_set():
        asked = monotonic()
        await asyncio.wait_for(connection.fetchval("select 1"), ANSWER_SECONDS)
        verifier.serve_until(asked + SERVED_SECONDS)
        await _wait(stop, ASKED_SECONDS)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
