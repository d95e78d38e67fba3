"""Relay's connections: the arguments that all lists share, and PageInfo."""

from typing import Annotated

import strawberry

First = Annotated[
    int | None,
    strawberry.argument(
        description="How many from the start: at most 500, inside a list 100; 20 when neither first nor last is given."
    ),
]
After = Annotated[str | None, strawberry.argument(description="The cursor behind which to start; goes with first.")]
Last = Annotated[int | None, strawberry.argument(description="How many from the end: at most 500, inside a list 100.")]
Before = Annotated[str | None, strawberry.argument(description="The cursor before which to end; goes with last.")]


@strawberry.interface(description="Whatever has a global id.")
class Node:
    id: strawberry.ID = strawberry.field(description="Opaque global id, stable for ever.")


@strawberry.federation.type(shareable=True, description="Where a page stands in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether more follow this page.")
    has_previous_page: bool = strawberry.field(
        description="Whether some precede this page; with first, whether a cursor was given."
    )
    start_cursor: str | None = strawberry.field(description="The first edge's cursor; null on an empty page.")
    end_cursor: str | None = strawberry.field(description="The last edge's cursor; null on an empty page.")
