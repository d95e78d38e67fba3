"""The authorization server: Authlib's grants over the hub's own clients, people, codes and tokens.

This package alone knows Authlib. Authlib is synchronous, so a request runs in a thread, and each question to the
database goes back to the event loop and its pool (`store.Store`).

What holds: no scope is left out in silence; a code and a refresh token are used once, and used twice they end all that
came of them; a client is who proved to be it; whoever fails to prove that learns the same, whether it is there or not.
And no answer repeats what was sent, but for names of scopes: a secret may be in any field by mistake.
"""
