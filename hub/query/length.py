"""How long an answer will be, before it is written."""

from typing import Any


def left_of(most: int, answer: Any) -> int:
    """What an answer leaves of so many bytes, about; below zero where it is longer. Found out without writing it.

    One text may stand in it a hundred times, by as many aliases, and takes memory once until it is written.
    """
    left, waiting = most, [answer]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            left -= len(each) if each.isascii() else 3 * len(each)
        elif isinstance(each, dict):
            left -= sum(map(len, each)) + 6 * len(each)
            waiting.extend(each.values())
        elif isinstance(each, list):
            left -= 2 * len(each)
            waiting.extend(each)
        if left < 0:
            break
    return left
