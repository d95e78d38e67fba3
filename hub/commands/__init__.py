"""The write side: small functions, each a step of the law, in the caller's transaction."""
