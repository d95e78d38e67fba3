"""What became of every row, as a file: CSV or JSON by its ending, there as a whole or not at all.

Each row of data has exactly one line with its outcome (ACCEPTED, UNCHANGED, REVISED or REJECTED; a rejected one with
the first fault). More faults of the same row follow as FAULT, doubts about an accepted one as FINDING. No line repeats
a value of the file. Names of files and sheets and the keys of JSON are repeated, and none of them is a formula to the
spreadsheet that opens a CSV.
"""

import csv
import glob
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self, TextIO

from hub.errors import Unusable

COLUMNS: Final = ("file", "sheet", "row", "outcome", "field", "code", "message", "recordKey")
_LEFT_SECONDS: Final = 86_400


_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class Line(NamedTuple):
    """One line; `field` is a short code such as CF_WSH, `record_key` the record's global id."""

    file: str
    sheet: str | None
    row: int
    outcome: str
    field: str | None = None
    code: str | None = None
    message: str | None = None
    record_key: str | None = None


class Report:
    """A report being written. It has its name once the block ends well; until then, and otherwise, there is none."""

    def __init__(self, path: Path) -> None:
        """Raises Unusable where the ending says neither CSV nor JSON, or nothing can be written there."""
        self._path = path
        self._as_json = path.suffix.lower() == ".json"
        if path.suffix.lower() not in {".csv", ".json"}:
            raise Unusable(f"The report {path} cannot be written: its name must end in .csv or .json.")
        self._draft = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            # Text of the file's own (names of files, sheets, headers) may hold halves of surrogate pairs.
            self._file: TextIO = self._draft.open("w", encoding="utf-8", newline="", errors="replace")
        except OSError as error:
            raise Unusable(f"The report {path} cannot be written: {error.strerror or 'the system refuses'}.") from None
        self._sweep()
        self._lines = 0
        self._csv = csv.writer(self._file)
        if self._as_json:
            self._file.write("[")
        else:
            self._csv.writerow(COLUMNS)

    def _sweep(self) -> None:
        """Delete the drafts of this report that killed imports left: nobody has written there for a day."""
        for draft in self._path.parent.glob(f".{glob.escape(self._path.name)}.*.part"):
            with suppress(OSError):
                if time.time() - draft.stat().st_mtime > _LEFT_SECONDS and draft != self._draft:
                    draft.unlink()

    def write(self, line: Line) -> None:
        """Add a line.

        Raises Unusable where there is no room for it; what was committed of the import stays.
        """
        try:
            if self._as_json:
                self._file.write(",\n" if self._lines else "\n")
                self._file.write(json.dumps(dict(zip(COLUMNS, line, strict=True)), ensure_ascii=False))
            else:
                self._csv.writerow([_no_formula(cell) for cell in line])
        except OSError as error:
            raise self._unwritable(error) from None
        self._lines += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                if self._as_json:
                    self._file.write("\n]\n")
                self._file.flush()
                os.fsync(self._file.fileno())
                self._file.close()
                self._draft.replace(self._path)
        except OSError as error:
            raise self._unwritable(error) from None
        finally:
            with suppress(OSError):  # what was left to write, and has no room
                self._file.close()
            self._draft.unlink(missing_ok=True)

    def _unwritable(self, error: OSError) -> Unusable:
        return Unusable(
            f"The report {self._path} cannot be written: {error.strerror or 'the system refuses'}. What was committed"
            " stays; run the import again."
        )


def _no_formula(cell: str | int | None) -> str | int | None:
    """A cell that a spreadsheet shows and does not calculate."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
