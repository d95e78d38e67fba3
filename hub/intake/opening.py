"""Opening a submitted file: what it is shows in its first bytes, never in its name."""

from pathlib import Path

from hub.errors import Unusable
from hub.intake.delimited import open_delimited
from hub.intake.encodings import look_at
from hub.intake.objects import open_objects
from hub.intake.tables import Opened
from hub.intake.workbooks import COMPOUND, ZIP, open_workbook


def open_file(path: Path) -> Opened:
    """A file with its tables, each with a recognised header.

    Raises Unusable, naming the file and why, where it cannot be read at all.
    """
    content = look_at(path)
    head = content.head
    if head.startswith((ZIP, COMPOUND)):
        return open_workbook(path, content)
    if head.startswith(b"%PDF"):
        raise Unusable(f"{path} cannot be read: it is a PDF; submit the table itself as CSV or XLSX.")
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"<"):
        raise Unusable(f"{path} cannot be read: it is HTML or XML; open it in a spreadsheet and save it as XLSX.")
    if start.startswith((b"{", b"[{", b"[[", b'["', b"[ ", b"[\n", b"[\r", b"[\t", b"[]")):
        return open_objects(path, content)
    return open_delimited(path, content)
