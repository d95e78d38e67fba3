"""The schema as `schema.graphql` says it, with scalars that the oracle reads itself."""

from pathlib import Path

from graphql import GraphQLSchema, build_schema

from tests.oracle import refusals

SDL = (Path(__file__).parents[2] / "schema.graphql").read_text(encoding="utf-8")
SCHEMA: GraphQLSchema = refusals.with_scalars(build_schema(SDL, assume_valid_sdl=True))
