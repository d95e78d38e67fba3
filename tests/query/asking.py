"""Asks the engine on one connection, and listens to what it sends to PostgreSQL."""

import asyncio
import re
from datetime import date
from typing import Any

import asyncpg
import orjson

from hub.query.execute import Engine
from hub.query.refusals import Refused
from hub.schema import build, sdl
from tests.oracle.world import TODAY

# What asyncpg asks for itself, once a connection, about the types of rows; how much depends on the server's settings.
DRIVERS_OWN = re.compile(r"typeinfo_tree|_config\('jit'|current_setting\('jit'")


class Asker:
    """The engine on one connection: `sent` holds the statements of the last operation, as PostgreSQL got them."""

    def __init__(self, connection: asyncpg.Connection, today: date = TODAY) -> None:
        self.connection = connection
        self.today = today
        self.engine = Engine(build()[1], sdl())
        self.sent: list[str] = []

    async def data(self, text: str, variables: dict[str, Any] | None = None, name: str | None = None) -> Any:
        """The data of the answer, as JSON shows it.

        Raises Refused.
        """
        self.sent = []
        prepared = self.engine.prepare(self.engine.operation(text, name), variables, self.today)
        with self.connection.query_logger(self.hear):
            data = await self.engine.run(*prepared, self.connection)
            await asyncio.sleep(0)  # the driver tells of a statement in the loop's next turn
        return orjson.loads(orjson.dumps(data))

    def hear(self, query: Any) -> None:
        """Note a statement, if it is the engine's."""
        if DRIVERS_OWN.search(query.query) is None:
            self.sent.append(query.query)

    async def errors(self, text: str, variables: Any = None, name: str | None = None) -> list[dict[str, Any]]:
        """The errors of an operation that is refused, as JSON shows them; none where it is answered."""
        try:
            await self.data(text, variables, name)
        except Refused as refused:
            errors: list[dict[str, Any]] = orjson.loads(orjson.dumps([error.formatted for error in refused.errors]))
            return errors
        return []

    @property
    def reads(self) -> list[str]:
        """The statements sent, without those that begin and end a transaction."""
        return [text for text in self.sent if text.startswith("SELECT")]
