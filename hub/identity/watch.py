"""Every process hears of changed rights when they commit: triggers notify the channel `hub_rights`.

While the connection that listens is down nothing is kept (`Verifier.listening`), so a revocation is honoured within a
second by every process, always.
"""

import asyncio
import logging
from contextlib import suppress
from typing import Any

import asyncpg

from hub.identity.tokens import Verifier
from hub.store.engine import connect
from hub.store.identity import RIGHTS_CHANNEL

log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.5
# A connection may die without a word, behind a proxy say: it is asked now and then whether it still hears.
ASKED_SECONDS = 0.5
BROKEN = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


async def keep_watching(url: str, verifier: Verifier, stop: asyncio.Event) -> None:
    """Listen until `stop` is set.

    Raises nothing but cancellation: a database that goes away is waited for, and nothing is kept meanwhile.
    """

    def heard(*_: Any) -> None:
        verifier.forget(listening=True)

    while not stop.is_set():
        connection: Any = None
        try:
            connection = await asyncio.wait_for(connect(url), 10)
            await connection.add_listener(RIGHTS_CHANNEL, heard)
            verifier.forget(listening=True)
            while not stop.is_set():
                await asyncio.wait_for(connection.execute("select 1"), ASKED_SECONDS)
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), ASKED_SECONDS)
        except BROKEN as reason:
            verifier.forget(listening=False)
            log.warning("rights: cannot listen (%s)", type(reason).__name__)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), PAUSE_SECONDS)
        finally:
            verifier.listening = False
            if connection is not None:
                connection.terminate()
