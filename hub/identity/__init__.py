"""Who is calling: clients, people, keys, tokens, and what of it all the database leaves to a caller today."""
