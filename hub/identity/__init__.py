"""Who is calling: clients, people, keys, tokens, and the principal that they make; no HTTP, no GraphQL."""
