"""The reads that the hub and the hand-written limit both answer, byte for byte the same.

Five of anybody, and two of an agency with a token that looks beyond the public, for a purpose.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

TINY = "query Tiny($uscc: USCC!) { subject(uscc: $uscc) { name status } }"

PRE_CHECK = """query PreCheck($uscc: USCC!) {
  subject(uscc: $uscc) {
    name
    status
    sanctions { id reason listedOn until list { code name kind } }
    records(first: 20) {
      edges { node { id kind documentNumber decidedOn status department { code name } } }
      pageInfo { hasNextPage endCursor }
    }
  }
}"""

BATCH = """query Bidders($usccs: [USCC!]!) {
  subjects(usccs: $usccs) { uscc name status sanctions { reason listedOn until list { code name } } }
}"""

FEED = """query Feed($after: String) {
  disclosures(first: 100, after: $after) {
    edges { cursor node { id kind at reason itemId item { __typename
      ... on CreditRecord { counterpartName documentNumber decidedOn }
      ... on SanctionsEntry { reason listedOn } } } }
    pageInfo { hasNextPage endCursor }
  }
}"""


@dataclass(frozen=True)
class World:
    """What the requests ask for: codes of subjects, and cursors deep in the feed."""

    usccs: tuple[str, ...]
    cursors: tuple[str, ...]


@dataclass(frozen=True)
class Case:
    """A read: its document, and how a request's variables are drawn; `share` is the ratio to reach.

    `authorized` is asked with an agency's token; what it shows beyond the public goes into the access log. One subject
    is asked for by few and by many at a time, since requests then share statements. The hub has ten connections to the
    database, and of many who ask for long lists for long it turns some away, which would be no comparison.
    """

    name: str
    document: str
    variables: Callable[[World, random.Random], dict[str, Any]]
    share: float
    authorized: bool = False
    connections: tuple[int, ...] = (8,)

    def bodies(self, world: World, count: int) -> list[bytes]:
        """So many request bodies, the same in every run."""
        draw = random.Random(self.name)
        return [orjson.dumps({"query": self.document, "variables": self.variables(world, draw)}) for _ in range(count)]


def one(world: World, draw: random.Random) -> dict[str, Any]:
    """Some subject."""
    return {"uscc": draw.choice(world.usccs)}


FEW_AND_MANY = (8, 32)
CASES = (
    Case("tiny", TINY, one, 0.75, connections=FEW_AND_MANY),
    Case("pre-check", PRE_CHECK, one, 0.85, connections=FEW_AND_MANY),
    Case("batch", BATCH, lambda world, draw: {"usccs": draw.sample(world.usccs, min(100, len(world.usccs)))}, 0.72),
    Case("feed-deep", FEED, lambda world, draw: {"after": draw.choice(world.cursors)}, 0.9),
    Case("feed-first", FEED, lambda world, draw: {}, 0.9),
    Case("tiny, authorized", TINY, one, 0.6, authorized=True, connections=FEW_AND_MANY),
    Case("pre-check, authorized", PRE_CHECK, one, 0.7, authorized=True, connections=FEW_AND_MANY),
)

# Those that everybody may ask.
PUBLIC_CASES = tuple(case for case in CASES if not case.authorized)
