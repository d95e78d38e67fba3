"""Who is calling: clients, people, keys and tokens, and which rights a caller has today."""
