"""The files that ship with the package, by name. `README.md` beside them gives the source and licence of each."""

import csv
from functools import cache
from importlib.resources import files
from io import StringIO


def packaged_bytes(name: str) -> bytes:
    """The content of a packaged file as it stands; FileNotFoundError where there is none of that name."""
    return files(__name__).joinpath(name).read_bytes()


def packaged_rows(name: str) -> list[dict[str, str]]:
    """The rows of a packaged CSV file (UTF-8, with a header row), by column name."""
    return list(csv.DictReader(StringIO(packaged_bytes(name).decode(), newline="")))


@cache
def packaged_lines(name: str) -> tuple[str, ...]:
    """The lines of a packaged text file (UTF-8), without empty ones."""
    return tuple(line for line in packaged_bytes(name).decode().splitlines() if line)
