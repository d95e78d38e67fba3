"""An operator registers documents from the command line."""

import asyncio
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from hub import cli
from hub.interruption import Interruption
from hub.store.engine import connect


@pytest.mark.parametrize(
    "text", [b"query A {\r\n  __typename\r\n}\r\n", b"query A {\r  __typename }", b"{ __typename }\n"]
)
def test_an_identifier_is_the_hash_of_the_file_whatever_its_line_ends(
    text: bytes, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "check.graphql"
    file.write_bytes(text)
    monkeypatch.setattr(Interruption, "install", lambda _: None)
    monkeypatch.setenv("HUB_DATABASE_URL", database)
    monkeypatch.setattr(sys, "argv", ["hub", "documents", "register", str(file), "--client", "anonymous"])
    with pytest.raises(SystemExit):
        cli.main()
    assert capsys.readouterr().out == f"sha256:{sha256(text).hexdigest()}\n"
    assert asyncio.run(kept(database)) == text.decode()


async def kept(database: str) -> object:
    connection = await connect(database)
    try:
        return await connection.fetchval("select text from documents where client = 'anonymous'")
    finally:
        await connection.close()
