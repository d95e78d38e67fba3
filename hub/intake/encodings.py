"""In which encoding a text file is: decided by decoding all of it, since a wrong guess turns names into other names.

UTF-8 (with or without a byte order mark), GB18030 (which holds GBK and GB2312), and UTF-16 with its mark. A file that
is partly one and partly another is refused as a whole: each decoder would read the other's half as different words.
"""

import codecs
import hashlib
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from hub.errors import Unusable

_PIECE: Final = 1 << 20
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Three signs of one encoding in a row do not occur by chance in the other.
_SIGNS_SURE: Final = 3


@dataclass(frozen=True, slots=True)
class Content:
    """A file as bytes: its first ones, its size and its SHA-256 in hexadecimal."""

    head: bytes
    size: int
    sha256: str


def look_at(path: Path) -> Content:
    """What a file holds, read to its end.

    Raises Unusable where it is missing, no file, not ours to read, or empty.
    """
    digest = hashlib.sha256()
    head = b""
    size = 0
    try:
        # It is read several times, which a pipe cannot be; and opening one waits for somebody to write.
        if not stat.S_ISREG(kind := path.stat().st_mode) and not stat.S_ISDIR(kind):
            raise Unusable(f"{path} cannot be read: it is a pipe or a device; save what it gives as a file.")
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                head = head or piece[:8192]
                digest.update(piece)
                size += len(piece)
    except FileNotFoundError:
        raise Unusable(f"{path} cannot be read: there is no such file.") from None
    except IsADirectoryError:
        raise Unusable(f"{path} cannot be read: it is a directory; name the files in it.") from None
    except OSError as error:
        raise Unusable(f"{path} cannot be read: {error.strerror or 'the system refuses'}.") from None
    if not size:
        raise Unusable(f"{path} cannot be read: it is empty.")
    return Content(head, size, digest.hexdigest())


def encoding_of(path: Path, content: Content) -> str:
    """The name of the codec that decodes the whole file.

    Raises Unusable where none does.
    """
    for mark, name in _MARKS:
        if content.head.startswith(mark):
            with path.open("rb") as file:
                if _undecodable_byte(file, name) is not None:
                    raise Unusable(f"{path} cannot be read: it begins as {name[:6].upper()} and does not go on so.")
            return name
    with path.open("rb") as file:
        broken = _undecodable_byte(file, "utf-8")
        if broken is None:
            return "utf-8"
        file.seek(0)
        line, mixed = _utf8_before(file, broken)
        if mixed:
            raise Unusable(
                f"{path} cannot be read: line {line} has bytes that are not UTF-8 like those before it;"
                " save it again in one encoding."
            )
        file.seek(0)
        if (line_of_other := _gb18030_fault(file)) is not None:
            raise Unusable(
                f"{path} cannot be read: line {line_of_other} is neither UTF-8 nor GB18030 like the rest;"
                " save it again in one encoding."
            )
    return "gb18030"


def _undecodable_byte(file: IO[bytes], encoding: str) -> int | None:
    """Where decoding fails, counted in bytes from the beginning of the piece; None where it does not."""
    decoder = codecs.getincrementaldecoder(encoding)()
    done = 0
    while True:
        piece = file.read(_PIECE)
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(piece, final=not piece)
        except UnicodeError as error:
            return done - pending + (error.start if isinstance(error, UnicodeDecodeError) else 0)
        if not piece:
            return None
        done += len(piece)


def _utf8_before(file: IO[bytes], broken: int) -> tuple[int, bool]:
    """The number of the line with the broken byte, and whether what stands before it is surely UTF-8."""
    before = file.read(broken)
    text = before.decode("utf-8", errors="replace")
    return before.count(b"\n") + 1, sum(not sign.isascii() for sign in text) >= _SIGNS_SURE


def _gb18030_fault(file: IO[bytes]) -> int | None:
    """The first line that is not GB18030, or that is surely UTF-8; None where there is none."""
    for number, line in enumerate(file, start=1):  # a line feed is never part of a longer sign
        if line.isascii():
            continue
        try:
            line.decode("gb18030")
        except UnicodeDecodeError:
            return number
        try:
            if sum(not sign.isascii() for sign in line.decode("utf-8")) >= _SIGNS_SURE:
                return number
        except UnicodeDecodeError:
            continue
    return None
