"""Tables as text: CSV, and the same with tabs, semicolons or bars between the cells."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final, TextIO

from hub.errors import Unusable
from hub.intake.encodings import Content, encoding_of
from hub.intake.tables import HEADER_WITHIN_ROWS, Header, Opened, Table, find_header, no_header

DELIMITERS: Final = (",", "\t", ";", "|")


def open_delimited(path: Path, content: Content) -> Opened:
    """The one table of a text file, whose structure has been checked to its end.

    Raises Unusable where no encoding, no header or no end of a quoted cell is found.
    """
    encoding = encoding_of(path, content)
    header, delimiter = _header(path, encoding)
    rows_total = _checked_rows(path, encoding, delimiter)

    def read() -> Iterator[Sequence[str]]:
        with _text(path, encoding) as file:
            yield from csv.reader(file, delimiter=delimiter)

    table = Table(path, None, header, rows_total, read, strict_width=True)
    return Opened(path, content.sha256, [table])


def _header(path: Path, encoding: str) -> tuple[Header, str]:
    """The header, and the delimiter with which it names most."""
    found: list[tuple[int, Header, str]] = []
    for delimiter in DELIMITERS:
        with _text(path, encoding) as file:
            first: list[list[str]] = []
            with suppress(csv.Error):  # below the header it is `_checked_rows` that tells
                first.extend(islice(csv.reader(file, delimiter=delimiter), HEADER_WITHIN_ROWS))
        if (header := find_header(path, first)) is not None:
            found.append((len(header.layout.columns), header, delimiter))
    if not found:
        raise no_header(path)
    _, header, delimiter = max(found, key=lambda one: one[0])
    return header, delimiter


def _checked_rows(path: Path, encoding: str, delimiter: str) -> int:
    """How many rows there are; reading them all first, so that no fault is met when half of them are written."""
    rows = start = 0
    recent: list[str] = []
    with _text(path, encoding) as file:
        reader = csv.reader(_remembered(file, recent), delimiter=delimiter)
        try:
            for _ in reader:
                rows += 1
                last, start = start, reader.line_num
                del recent[: -(start - last)]
        except csv.Error:
            raise Unusable(
                f"{path} cannot be read: a quotation mark in line {start + 1} is never closed, or a cell there has"
                f" more than {csv.field_size_limit():,} characters."
            ) from None
    # A quotation mark that is never closed makes one cell of the rest of the file, without a complaint.
    try:
        list(csv.reader(recent, delimiter=delimiter, strict=True))
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise Unusable(
                f"{path} cannot be read: a quotation mark in line {reader.line_num - len(recent) + 1} is never closed."
            ) from None
    return rows


def _remembered(lines: Iterable[str], recent: list[str]) -> Iterator[str]:
    for line in lines:
        recent.append(line)
        yield line


def _text(path: Path, encoding: str) -> TextIO:
    return path.open(encoding=encoding, newline="")
