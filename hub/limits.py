"""One table of what one request, one client and one process may ask for; each line is settable.

A limit's environment variable is `HUB_LIMIT_` and its name in capitals. The README shows the table as
`python -m hub.limits` prints it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

PREFIX = "HUB_LIMIT_"
# Those of two settings, which bound what a request waits for.
STATEMENT_TIMEOUT_MS = 5_000
CONNECTION_WAIT_MS = 2_000


def _limit(default: int, meaning: str, *, least: int = 1) -> Any:
    return field(default=default, metadata={"meaning": meaning, "least": least})


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that hold before any work is done; every one is a whole number of at least one unless said."""

    body_bytes: int = _limit(262_144, "bytes of a request's body, read as a stream")
    inflated_bytes: int = _limit(1_048_576, "bytes of a compressed body once it is inflated")
    json_values: int = _limit(20_000, "values in a request's JSON, counted by its commas and opening brackets")
    header_bytes: int = _limit(65_536, "bytes of a request's line and headers")
    query_string_bytes: int = _limit(32_768, "bytes of a GET request's query string")
    tokens: int = _limit(4_000, "tokens of a document")
    depth: int = _limit(20, "levels of nesting, fragments counted where they are spread")
    fields: int = _limit(5_000, "fields of an operation, fragments counted where they are spread")
    aliases: int = _limit(100, "aliases of an operation, fragments counted where they are spread")
    root_fields: int = _limit(20, "fields at the root of an operation")
    directives: int = _limit(50, "directives in a document")
    fragments: int = _limit(100, "fragments in a document")
    name_characters: int = _limit(200, "characters of a name in a document")
    object_fields: int = _limit(50, "fields of an object in a document")
    merged: int = _limit(
        50, "fragments spread side by side, those within them included; repetitions of a field in one place"
    )
    operations: int = _limit(20, "operations in a document")
    list_values: int = _limit(500, "values of a list argument: codes, ids, representations")
    page: int = _limit(500, "rows of a page")
    nested_page: int = _limit(100, "rows of a page inside a list")
    list_rows: int = _limit(
        20_000,
        "rows beyond those expected in a list without pages, counted over all rows that the list belongs to; under a"
        " root of one row, each of them has an even share",
    )
    cost: int = _limit(100_000, "rows that an operation may read: the product of page sizes, summed over its lists")
    values: int = _limit(1_000_000, "values in an answer: the rows of each list times the fields shown of them")
    schema_values: int = _limit(30_000, "values that an operation may show of the schema itself (introspection)")
    answer_bytes: int = _limit(16_777_216, "bytes of an answer, approximately")
    variables_depth: int = _limit(10, "levels of nesting in the variables")
    errors: int = _limit(50, "errors in one answer")
    header_ms: int = _limit(900, "milliseconds to receive a request's headers, from their first byte")
    body_ms: int = _limit(900, "milliseconds to receive a request's body, from the end of its headers")
    unread_ms: int = _limit(10_000, "milliseconds for which a client may read next to nothing of its answer")
    unread_bytes: int = _limit(67_108_864, "bytes of answers that wait in one process for their clients to read them")
    client_requests: int = _limit(50, "requests of one client at the same time")
    requests: int = _limit(
        200,
        "requests that one process works on or lets wait, and as many whose bodies are arriving; more get 503",
    )
    cost_per_minute: int = _limit(6_000_000, "cost that one client may spend in a minute; 0 for no limit", least=0)

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> tuple[Self, list[str]]:
        """The limits that `env` gives, and what is wrong with its variables."""
        given: dict[str, int] = {}
        complaints: list[str] = []
        for limit in fields(cls):
            variable = PREFIX + limit.name.upper()
            text = env.get(variable, "").strip()
            if not text:
                continue
            least = limit.metadata["least"]
            if text.isascii() and text.isdigit() and len(text) < 12 and int(text) >= least:
                given[limit.name] = int(text)
            else:
                complaints.append(f"{variable} must be a whole number from {least} to {10**11 - 1}")
        made = cls(**given)
        if 0 < made.cost_per_minute < made.cost:
            complaints.append(f"{PREFIX}COST_PER_MINUTE must be 0 or at least {PREFIX}COST, {made.cost}")
        return made, complaints


def table() -> str:
    """The limits as a Markdown table."""
    lines = ["| variable | default | bounds |", "|---|---|---|"]
    lines += [
        f"| `{PREFIX}{limit.name.upper()}` | {limit.default:,} | {limit.metadata['meaning']} |"
        for limit in fields(Limits)
    ]
    lines += [
        f"| `HUB_STATEMENT_TIMEOUT_MS` | {STATEMENT_TIMEOUT_MS:,} | milliseconds that a statement may take |",
        f"| `HUB_CONNECTION_WAIT_MS` | {CONNECTION_WAIT_MS:,} | milliseconds to wait for a connection |",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
