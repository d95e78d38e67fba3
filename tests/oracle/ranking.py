"""How well a name fits what was asked for, written a second time from `docs/search.md`, name by name in plain Python.

Nothing of the database's functions is called; how many names hold a pair is read as the database last counted it.
"""

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

FORM = (
    "(?:有限|责任|股份|集团|总?公司|合伙企业|普通合伙|有限合伙|coltd|colimited|limited|ltd|incorporated|inc"
    "|corporation|llc)+"
)
DROPPED = set("()[]{}<>〔〕【】〖〗《》〈〉「」『』\"'`“”‘’.,;:!?。、·•‧・-‐‑‒–—―~")
NEAR_MAX, RARE = 500, 16_384


class Name(NamedTuple):
    """A present or former name of a subject."""

    subject: int
    former: bool
    key: str


def key_of(name: str) -> str:
    """One width, one case, no accents, spaces, brackets or stops."""
    signs = [sign for sign in unicodedata.normalize("NFKD", name) if not unicodedata.combining(sign)]
    folded = unicodedata.normalize("NFKC", "".join(sign for sign in signs if not sign.isspace())).lower()
    return "".join(sign for sign in folded if sign not in DROPPED)


def grams_of(key: str) -> list[str]:
    return [key[place : place + 2] for place in range(len(key) - 1)]


@cache
def pairs_of(key: str) -> list[str]:
    """Neighbours, the smaller first."""
    return ["".join(sorted(gram)) for gram in grams_of(key)]


@cache
def set_of_pairs(key: str) -> frozenset[str]:
    return frozenset(pairs_of(key))


def parted(one: str, other: str) -> str:
    """As a span: the smaller first, a blank between."""
    return " ".join(sorted((one, other)))


@cache
def spans_of(key: str) -> frozenset[str]:
    """Each sign and the next but one."""
    return frozenset(parted(one, other) for one, other in zip(key, key[2:], strict=False))


@cache
def core_of(key: str) -> str:
    """Without the legal form at its end, unless it is nothing else."""
    return re.sub(FORM + "$", "", key) or key


def has_one_slip(core: str, key: str) -> bool:
    """Whether some part of the key is the core with a sign wrong, missing, too many, or two neighbours swapped.

    Of three signs, with one left out.
    """
    if len(core) == 3:
        return any(re.search(f"{re.escape(core[:place])}.{re.escape(core[place:])}", key) for place in (1, 2))
    for place in range(len(core)):
        before, sign, after = core[:place], core[place], core[place + 1 :]
        if before not in key:
            return False  # nor is any longer beginning of the core
        if before + after in key or re.search(f"{re.escape(before)}.{re.escape(after)}", key):
            return True
        if after and (
            before + after[0] + sign + after[1:] in key
            or re.search(f"{re.escape(before + sign)}.{re.escape(after)}", key)
        ):
            return True
    return False


def shortened(core: str) -> set[str]:
    """It, and it without one sign."""
    return {core, *(core[:place] + core[place + 1 :] for place in range(len(core)))}


@cache
def is_short_and_near(core: str, name_core: str) -> bool:
    """Whether a name of three to six signs is the core but for a sign in each."""
    return 3 <= len(name_core) <= 6 and bool(shortened(core) & shortened(name_core))


def is_one_slip(core: str, name: str) -> bool:
    """Whether a whole name is the core with a sign wrong, missing, too many, or two neighbours swapped."""
    if len(core) == len(name):
        wrong = [place for place, (one, other) in enumerate(zip(core, name, strict=True)) if one != other]
        if len(wrong) == 2 and wrong[1] == wrong[0] + 1:
            return core[wrong[0]] == name[wrong[1]] and core[wrong[1]] == name[wrong[0]]
        return len(wrong) <= 1
    shorter, longer = sorted((core, name), key=len)
    return len(longer) == len(shorter) + 1 and shorter in shortened(longer)


class Ranking:
    """All names, and how many of them were counted to hold each pair."""

    def __init__(self, names: Sequence[Name], counted: int, holders: Mapping[str, int]) -> None:
        self.names = names
        self.total = max(counted, 1)
        self.holders = holders

    def held_by(self, pair: str) -> int:
        return self.holders.get(pair, round(self.total / RARE))

    def rarest(self, pairs: Iterable[str]) -> set[str]:
        """The rarest pairs or spans that together not too many names hold."""
        kept: set[str] = set()
        sum_so_far = 0
        for count, pair in sorted((self.held_by(pair), pair) for pair in pairs):
            sum_so_far += count
            if sum_so_far > NEAR_MAX:
                break
            kept.add(pair)
        return kept

    def rare(self, key: str) -> set[str]:
        return self.rarest(set_of_pairs(key))

    def ranked(self, asked: str, admitted: set[int]) -> list[tuple[int, int, int]]:
        """(distance, length of the name, subject) of every subject that fits and is admitted, the nearest first."""
        key = key_of(asked)
        core = core_of(key) if len(core_of(key)) >= 2 else key
        rare, pairs = self.rare(key), set_of_pairs(key)
        spans: set[str] = set()
        if rare:
            near = [name for name in self.names if rare & set_of_pairs(name.key)]
            if 3 <= len(core) <= 6:
                spans = self.rarest(spans_of(core) | {parted(*pair) for pair in pairs_of(core)})
                near += [name for name in self.names if spans & spans_of(name.key)]
        elif min(map(self.held_by, pairs)) <= 20 * math.sqrt(self.total):
            near = [name for name in self.names if pairs <= set_of_pairs(name.key)]
        else:
            near = [name for name in self.names if key in name.key]
        near += [name for name in self.names if core_of(name.key) == core]
        if 3 <= len(core) <= 7:
            short = {name.subject for name in self.names if is_short_and_near(core, core_of(name.key))}
            near += [name for name in self.names if name.subject in short]
        slips = bool(rare) and 3 <= len(core) <= 40
        least = 0 if spans else 0.25
        weights = [(gram, self.weight(pair)) for gram, pair in zip(grams_of(key), pairs_of(key), strict=True)]
        found: dict[int, tuple[int, int]] = {}
        for name in near:
            slipped = slips and name.subject in admitted and has_one_slip(core, name.key)
            score = self.score(key, core, name.key, weights, least if slipped else None)
            if score is not None and name.subject in admitted:
                place = round(10_000 - score + 200 * name.former), len(name.key)
                found[name.subject] = min(place, found.get(name.subject, place))
        return sorted((*place, subject) for subject, place in found.items())

    @staticmethod
    def score(
        key: str, core: str, name: str, weights: Sequence[tuple[str, int]], slip_from: float | None
    ) -> float | None:
        """In ten-thousandths; none where it is another name. From which share on a slip counts, if there is one."""
        part = key if key in name else core
        if name == key:
            return 10_000
        if name.startswith(core):
            return 9_500 if core_of(name) == core else 8_000 + 1_000 * len(core) // len(name)
        if part in name:
            return 7_000 + 1_000 * len(part) // len(name)
        covered = sum(weight for gram, weight in weights if gram in name) / sum(weight for _, weight in weights)
        whole = 3 <= len(core) <= 7 and is_one_slip(core, core_of(name))
        if (slip_from is not None and covered >= slip_from) or whole:
            lengths = sorted((len(core), len(core_of(name))))
            return 5_800 + 1_000 * lengths[0] // lengths[1]
        if covered >= 0.5:
            lengths = sorted((len(key), len(name)))
            return 6_000 * covered * (0.85 + 0.15 * lengths[0] / lengths[1])
        return None

    def weight(self, pair: str) -> int:
        return 4 + min(14, math.floor(math.log(self.total / max(self.holders.get(pair, 0), 1)) / math.log(2)))
