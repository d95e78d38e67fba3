"""Lists for people and for scripts: aligned columns, or one JSON object a line."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import date, datetime

import click

from hub.clock import BEIJING

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for scripts.")


def show(columns: Sequence[str], rows: Iterable[Sequence[object]], *, as_json: bool) -> None:
    """Print a list; an empty value is a hyphen for people and null or an empty list for scripts."""
    rows = list(rows)
    if as_json:
        for row in rows:
            click.echo(json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False, default=_text))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(_text(value) or "-" for value in row))
    # Through a pipe lines are as long as they are: a script must not meet folded ones.
    width = None if sys.stdout.isatty() else 1_000
    Console(width=width, highlight=False, markup=False, emoji=False).print(table)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(BEIJING).isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return str(value)
