"""Logs as lines of JSON on standard error: one for each request if wanted, and whatever else has to be said.

What never stands in a line: a variable's value, a token, a document's text, an identity number. A request's line has
the few members of `of_request` and no others. An exception is logged by its type and the places it passed through,
never by its text, which the driver and Python like to fill with values.
"""

import logging
import re
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import datetime
from functools import lru_cache
from random import getrandbits
from time import monotonic, time
from traceback import walk_tb
from typing import Any, Final, TextIO

import orjson

from hub.clock import BEIJING
from hub.domain.persons import looks_like_resident_id, mask_persons_in

# The request that is being answered; "-" outside of any.
request_id: ContextVar[str] = ContextVar("request_id", default="-")

HEADER: Final = b"x-request-id"
# What programs count or draw: hexadecimal digits, parted or not. A word may be a secret, or a piece of a token.
ACCEPTED: Final = re.compile(rb"[0-9A-Fa-f._-]{1,64}")
PARTS: Final = str.maketrans("", "", "._-")
# No person's number has fewer digits in a row, parted or not; most ids have a letter before that.
LONG_ENOUGH: Final = re.compile(r"(?:[0-9][._-]*){11}")
# A mobile number; and a resident identity number as it was until 1999, without a check character.
WITHOUT_CHECK: Final = re.compile(r"1[3-9][0-9]{9}|[0-9]{15}")
MAYBE_PERSON: Final = re.compile(r"(?=([0-9]{17}[0-9Xx]))")
LONG_NUMBER: Final = re.compile(r"[0-9]{15,}[Xx]?")
FRAMES_MAX: Final = 30
MESSAGE_CHARACTERS_MAX: Final = 2_000

LINES_WAITING_MAX: Final = 10_000
WRITE_SECONDS: Final = 0.1
WARNINGS_A_SECOND: Final = 20


# -------------------------------------------------------------------------------------------------- request ids


def id_of_request(headers: Mapping[bytes, bytes]) -> str:
    """The caller's own id for a request where it may be one, else a new one."""
    value = headers.get(HEADER)
    if value is not None and ACCEPTED.fullmatch(value) and not _names_person(text := value.decode("ascii")):
        return text
    return f"{getrandbits(96):024x}"


def _names_person(text: str) -> bool:
    if LONG_ENOUGH.search(text) is None:
        return False
    joined = text.translate(PARTS)
    return (
        WITHOUT_CHECK.fullmatch(joined) is not None
        or mask_persons_in(text)[1] > 0
        or any(looks_like_resident_id(found[1]) for found in MAYBE_PERSON.finditer(joined))
    )


# --------------------------------------------------------------------------------------------- lines of requests


class RequestLog:
    """Lines of requests, written together ten times a second by a thread of their own.

    Writing each at once would cost a request several microseconds and, worse, stop all of them while whoever reads our
    standard error is slow. So lines wait here; when too many do, further ones are dropped, and a line says how many.
    They are made at once, though: a thread that made them all would keep the interpreter from requests meanwhile.
    A process that is killed loses the lines of its last tenth of a second.
    """

    def __init__(self, stream: Callable[[], TextIO] = lambda: sys.stderr) -> None:
        self.stream = stream
        self.lines: deque[str] = deque()
        self.dropped = 0
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.keep_writing, name="request log", daemon=True)

    def add(self, operation: str, status: int, code: str | None, seconds: float, cost: int, *, plan_hit: bool) -> None:
        """Log the request that is being answered."""
        if len(self.lines) < LINES_WAITING_MAX:
            self.lines.append(of_request(operation, status, code, seconds, cost, plan_hit=plan_hit))
        else:
            self.dropped += 1

    def start(self) -> None:
        """Begin to write."""
        self.thread.start()

    def stop(self) -> None:
        """Write what waits, and end; a reader that takes nothing is not waited for long."""
        self.ending.set()
        self.thread.join(timeout=1.0)

    def keep_writing(self) -> None:
        """The thread's work."""
        while not self.ending.wait(WRITE_SECONDS):
            self.write()
        self.write()

    def write(self) -> None:
        """Write every line that waits."""
        made: list[str] = []
        while self.lines:
            made.append(self.lines.popleft())
        if self.dropped:
            dropped, self.dropped = self.dropped, 0
            made.append(_line(time(), "WARNING", __name__, f"{dropped} requests were not logged: the log is too slow"))
        if made:
            try:
                stream = self.stream()
                stream.write("\n".join([*made, ""]))
                stream.flush()
            except (OSError, ValueError):
                return  # nobody reads any more; the requests matter more than their log


def of_request(operation: str, status: int, code: str | None, seconds: float, cost: int, *, plan_hit: bool) -> str:
    """The line of the request that is being answered.

    By hand, in a fifth of the time: id and name have no sign that JSON would write otherwise, and codes are our own.
    """
    said = "null" if code is None else f'"{code}"'
    plan = "null" if not cost else '"hit"' if plan_hit else '"miss"'
    return (
        f'{{"time":"{_shown(time())}","level":"INFO","logger":"hub.requests","request":"{request_id.get()}",'
        f'"operation":"{operation}","status":{status},"code":{said},"ms":{seconds * 1000:.3f},"cost":{cost},'
        f'"plan":{plan}}}'
    )


# -------------------------------------------------------------------------------------------------- other lines


class JsonLines(logging.Formatter):
    """Whatever the hub, uvicorn and other libraries log, as one line of JSON each."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's line; of an exception only types and places."""
        more: dict[str, Any] = {}
        if (identity := request_id.get()) != "-":
            more["request"] = identity
        more |= getattr(record, "facts", {})
        if record.exc_info and record.exc_info[1] is not None:
            more["fault"] = _fault(record.exc_info[1])
        message = record.getMessage()
        if record.name == "asyncio":
            # Its further lines show tasks with the exceptions in them.
            message = message.partition("\n")[0]
        return _line(record.created, record.levelname, record.name, message, **more)


class Seldom(logging.Filter):
    """Lets so many warnings a second through, and says how many there were besides.

    What is no HTTP, anybody can send by the thousand, and while the database is away each request is one to warn of:
    that must not fill the log, or hold up the event loop.
    """

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        super().__init__()
        self.now = now
        self.second = 0
        self.lines = 0
        self.unsaid = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is logged."""
        if record.levelno != logging.WARNING:
            return True
        second = int(self.now())
        if second != self.second:
            self.second, self.lines = second, 0
        if self.lines >= WARNINGS_A_SECOND:
            self.unsaid += 1
            return False
        self.lines += 1
        if self.unsaid:
            record.msg, record.args = f"{record.getMessage()} {self.unsaid} further warnings were not logged.", None
            self.unsaid = 0
        return True


def _line(at: float, level: str, logger: str, message: str, **more: Any) -> str:
    tidy = LONG_NUMBER.sub("…", mask_persons_in(message[:MESSAGE_CHARACTERS_MAX].strip())[0])
    line = {"time": _shown(at), "level": level, "logger": logger, "message": tidy, **more}
    return orjson.dumps(line, default=repr).decode()


def _fault(fault: BaseException) -> list[dict[str, Any]]:
    """An exception and those behind it, outermost first."""
    chain: list[dict[str, Any]] = []
    link: BaseException | None = fault
    while link is not None and len(chain) < 5:
        places = [
            f"{frame.f_code.co_filename}:{line} in {frame.f_code.co_qualname}"
            for frame, line in walk_tb(link.__traceback__)
        ]
        chain.append({"type": type(link).__qualname__, "places": places[-FRAMES_MAX:]})
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return chain


def _shown(at: float) -> str:
    second = int(at)
    return f"{_second(second)}.{int((at - second) * 1000):03d}+08:00"


# Requests come by the thousand in a second.
@lru_cache(maxsize=16)
def _second(at: int) -> str:
    return datetime.fromtimestamp(at, BEIJING).strftime("%Y-%m-%dT%H:%M:%S")


def configure() -> None:
    """Let everything that is logged in this process be lines of JSON on standard error, from warnings upwards."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    # The server warns of what is no HTTP, and of answers it is said for each that the database is away.
    for name in ("uvicorn.error", "hub.edge.reply"):
        logger = logging.getLogger(name)
        if not any(isinstance(each, Seldom) for each in logger.filters):
            logger.addFilter(Seldom())
    logging.captureWarnings(True)
