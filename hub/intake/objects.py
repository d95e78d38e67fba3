"""Rows as JSON objects by short code: an array of them, or one after the other (a line each)."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from hub.errors import Unusable
from hub.intake.encodings import Content, encoding_of
from hub.intake.tables import NESTED, Header, Opened, Table, find_header

_PIECE: Final = 1 << 20
_OBJECT_MAX: Final = 64 << 20
_KEYS_MAX: Final = 1000
_BETWEEN = re.compile(r"[\s,]*")


def open_objects(path: Path, content: Content) -> Opened:
    """The objects of a file as tables, one for each kind, whose columns are all its keys; checked to the end.

    Raises Unusable where the file is no JSON, holds something else than objects, or names no national items.
    """
    encoding = encoding_of(path, content)
    keys: dict[str, dict[str, str]] = {}
    total = 0
    for one in _objects(path, encoding):
        total += 1
        keys.setdefault(_prefix(one), {}).update({_folded(key): key.strip() for key in one})
        if sum(map(len, keys.values())) > _KEYS_MAX:
            raise Unusable(f"{path} cannot be read: its objects have more than {_KEYS_MAX} different keys.")
    if not total:
        raise Unusable(f"{path} cannot be read: it holds no objects.")
    headers = {prefix: header for prefix, names in keys.items() if (header := _header(path, names)) is not None}
    if not headers:
        raise Unusable(
            f"{path} cannot be read: its objects do not name enough of the national items, such as CF_WSH or"
            " 行政处罚决定书文号; the rows must be an array of objects, or one object a line."
        )
    first = next(iter(headers))
    for prefix in keys.keys() - headers.keys():
        keys[first].update(keys.pop(prefix))
    headers[first] = _header(path, keys[first]) or headers[first]

    def read(prefix: str) -> Iterator[Sequence[str]]:
        columns = list(keys[prefix])
        for one in _objects(path, encoding):
            own = _prefix(one)
            if (own if own in headers else first) == prefix:
                by_key = _once([(_folded(key), value) for key, value in one.items()])
                yield [_text(by_key.get(key)) for key in columns]
            else:
                yield ()

    tables = [
        # No row is the header here: the first object is row 1.
        Table(path, None, header._replace(rows=0), total, partial(read, prefix), only_data=True)
        for prefix, header in headers.items()
    ]
    return Opened(path, content.sha256, tables)


def _header(path: Path, names: Mapping[str, str]) -> Header | None:
    return find_header(path, [list(names.values())])


def _prefix(one: Mapping[str, Any]) -> str:
    """By which short codes an object's items are named: XK for a licence, CF for a penalty, or none."""
    counts = Counter(key.strip()[:3].upper() for key in one)
    return max(("XK_", "CF_"), key=counts.__getitem__) if counts["XK_"] + counts["CF_"] else ""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of its keys and values; of a key that has several values, none is believed."""
    one = dict(pairs)
    if len(one) < len(pairs):
        for key, value in pairs:
            if one[key] != value:
                one[key] = NESTED
    return one


# Numbers stay as they are written: 0.2 is not the nearest fraction of two.
_DECODER: Final = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str, object_pairs_hook=_once)


def _objects(path: Path, encoding: str) -> Iterator[dict[str, Any]]:
    """Each object in its order, with no more of the file in memory than a piece."""
    with path.open(encoding=encoding, newline="") as file:
        buffer = file.read(_PIECE)
        place = _past(buffer, 0)
        in_array = buffer[place : place + 1] == "["
        if in_array:
            place = _past(buffer, place + 1)
        number = 0
        while True:
            if place == len(buffer) or (in_array and buffer[place] == "]"):
                rest = buffer[place:] + file.read(_PIECE)
                if not rest.strip() and not in_array:
                    return
                if in_array and rest[:1] == "]":
                    if rest[1:].strip():
                        raise Unusable(f"{path} cannot be read: something stands behind the end of its JSON array.")
                    return
                if not rest.strip():
                    raise _broken(path, number)
                buffer, place = rest, _past(rest, 0)
                continue
            try:
                one, end = _DECODER.raw_decode(buffer, place)
            except RecursionError:
                raise _broken(path, number) from None
            except json.JSONDecodeError:
                more = file.read(_PIECE)
                if not more or len(buffer) - place > _OBJECT_MAX:
                    raise _broken(path, number) from None
                buffer, place = buffer[place:] + more, 0
                continue
            number += 1
            if not isinstance(one, dict):
                raise Unusable(f"{path} cannot be read: value {number} of its JSON is no object with short codes.")
            yield one
            place = _past(buffer, end)


def _folded(key: str) -> str:
    return key.strip().upper()


def _past(buffer: str, place: int) -> int:
    match = _BETWEEN.match(buffer, place)
    return match.end() if match else place


def _text(value: Any) -> str:
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case list() if all(isinstance(part, str) for part in value):
            return "；".join(value)
        case _:
            return NESTED


def _broken(path: Path, number: int) -> Unusable:
    return Unusable(f"{path} cannot be read: its JSON breaks off or is not well formed behind object {number}.")
