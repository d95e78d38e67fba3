"""The documents say what the code does, where a machine can tell."""

import os
import re
import stat
import subprocess
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from hub.cli.clients import KINDS
from hub.intake.sentences import SENTENCES
from hub.limits import table as limits_table
from hub.settings import IssuerClaims

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def first_cells(text: str) -> list[str]:
    """The codes that open the lines of tables."""
    return re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)


def test_every_code_of_an_import_is_explained_once() -> None:
    _, _, faults_and_findings = (ROOT / "docs/importing.md").read_text(encoding="utf-8").partition("## Faults")

    assert sorted(first_cells(faults_and_findings)) == sorted(SENTENCES)


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = [
        project["project"]["dependencies"],
        *project["project"]["optional-dependencies"].values(),
        project["dependency-groups"]["dev"],
    ]
    asked = {re.split(r"[\[<>=;]", one)[0] for group in groups for one in group}
    reasons = (ROOT / "docs/decisions/0007-dependencies.md").read_text(encoding="utf-8")

    assert sorted(first_cells(reasons)) == sorted(asked)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_document_points_at_is_there(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    linked = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    named = re.findall(r"`((?:hub|docs|tests|migrations|examples|\.ci)/(?!\S*YYYY)[\w./-]+)`", text)

    missing = [place for place in linked if not (document.parent / place).exists()]
    missing += [place for place in named if not (ROOT / place).exists()]
    assert missing == []


def test_what_is_said_of_clients_and_of_an_outside_issuer_is_whole() -> None:
    text = (ROOT / "docs/identity.md").read_text(encoding="utf-8")
    kinds = text.partition("### Kinds of clients")[2].partition("###")[0]
    mapping = text.partition("### Another issuer")[2].partition("## For developers")[0]

    def named(part: str) -> list[str]:
        cells = re.findall(r"^\| (`[^|]+)\|", part, re.MULTILINE)
        return sorted(re.findall(r"`([^`]+)`", "".join(cells)))

    assert named(kinds) == sorted(KINDS)
    assert named(mapping) == sorted(field.name for field in fields(IssuerClaims))


def test_the_readme_has_the_table_of_limits() -> None:
    assert limits_table() in (ROOT / "README.md").read_text(encoding="utf-8")


# Stand in for the hub and for curl: what they print, and the secret that curl was given.
UV = """#!/bin/sh
echo "$*" | grep -q '^run hub client' || exit 2
printf 'client_id: walk\\nclient_secret: s3cret\\n'
"""
CURL = """#!/bin/sh
echo "$*" >> said
echo '{"access_token": "t0ken"}'
"""


def test_the_files_of_the_walk_through_that_hold_secrets_are_their_owners_alone(tmp_path: Path) -> None:
    text = (ROOT / "docs/identity.md").read_text(encoding="utf-8")
    walk = text.partition("### A client with a secret")[2].partition("\n### ")[0]
    blocks = re.findall(r"^```sh\n(.*?)^```", walk, re.MULTILINE | re.DOTALL)
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, script in (("uv", UV), ("curl", CURL)):
        (tools / name).write_text(script)
        (tools / name).chmod(0o755)
    # Left from an earlier walk, for everybody to read.
    for name in ("walk.txt", "token.json"):
        (tmp_path / name).touch(0o644)
    subprocess.run(
        ["sh", "-euc", "umask 022\n" + "".join(blocks)],
        cwd=tmp_path,
        env=os.environ | {"PATH": f"{tools}:{os.environ['PATH']}"},
        check=True,
        capture_output=True,
    )
    for name in ("walk.txt", "token.json"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600, name
    said = (tmp_path / "said").read_text()
    assert "-u walk:s3cret" in said
    assert "Bearer t0ken" in said
