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

    `authorized` is asked with an agency's token; what it shows beyond the public goes into the access log.
    """

    name: str
    document: str
    variables: Callable[[World, random.Random], dict[str, Any]]
    share: float
    authorized: bool = False

    def bodies(self, world: World, count: int) -> list[bytes]:
        """So many request bodies, the same in every run."""
        draw = random.Random(self.name)
        return [orjson.dumps({"query": self.document, "variables": self.variables(world, draw)}) for _ in range(count)]


CASES = (
    Case("tiny", TINY, lambda world, draw: {"uscc": draw.choice(world.usccs)}, 0.75),
    Case("pre-check", PRE_CHECK, lambda world, draw: {"uscc": draw.choice(world.usccs)}, 0.85),
    Case("batch", BATCH, lambda world, draw: {"usccs": draw.sample(world.usccs, min(100, len(world.usccs)))}, 0.72),
    Case("feed-deep", FEED, lambda world, draw: {"after": draw.choice(world.cursors)}, 0.9),
    Case("feed-first", FEED, lambda world, draw: {}, 0.9),
    Case("tiny, authorized", TINY, lambda world, draw: {"uscc": draw.choice(world.usccs)}, 0.6, authorized=True),
    Case(
        "pre-check, authorized",
        PRE_CHECK,
        lambda world, draw: {"uscc": draw.choice(world.usccs)},
        0.7,
        authorized=True,
    ),
)

# Those that everybody may ask.
PUBLIC_CASES = tuple(case for case in CASES if not case.authorized)
