"""How things are kept: tables with their constraints, the pool, the embedded server."""
