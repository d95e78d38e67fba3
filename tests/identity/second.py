"""A second authorization server: real HTTP on a port of its own, with its own keys."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
from joserfc import jws
from joserfc.jwk import RSAKey

from hub.clock import Clock
from hub.settings import IssuerClaims
from tests.identity.acting import RESOURCE

READING = IssuerClaims(department=("dept.code",), scope_prefix="hub:", types=("JWT",), kind=("hub_kind",))


@lru_cache(maxsize=1)
def first_key() -> RSAKey:
    """One for all tests: making it takes a moment."""
    return RSAKey.generate_key(2048, {"kid": "first"})


class SecondServer:
    """An authorization server on a port of its own; what it answers with can be changed."""

    def __init__(self) -> None:
        self.key = first_key()
        self.documents: dict[str, Any] = {}
        self.asked: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(self.path)
                document = server.documents.get(self.path)
                body = document if isinstance(document, bytes) else json.dumps(document).encode()
                self.send_response(404 if document is None else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.http.server_port}/realms/gov"
        self.publish("/realms/gov/.well-known/openid-configuration")

    def publish(self, place: str, **other: Any) -> None:
        metadata = {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"} | other
        self.documents = {place: metadata, "/realms/gov/keys": {"keys": [self.public()]}}

    def public(self) -> dict[str, Any]:
        return dict(self.key.as_dict(private=False)) | {"use": "sig"}

    def token(self, clock: Clock, *, header: dict[str, Any] | None = None, **claims: Any) -> bytes:
        now = int(clock.outside().timestamp())
        payload = {
            "iss": self.issuer, "aud": RESOURCE, "sub": "u-1", "azp": "portal", "exp": now + 300, "iat": now,
            "dept": {"code": "mem"}, "preferred_username": "wang", "jti": "one",
            "scope": "openid hub:records:read hub:samr/records:read", "purposes": ["tender", "curiosity"],
        } | claims  # fmt: skip
        head = {"typ": "JWT", "alg": "RS256", "kid": "first"} | (header or {})
        return jws.serialize_compact(head, orjson.dumps(payload), self.key, algorithms=["RS256"]).encode()


@contextmanager
def serving() -> Iterator[SecondServer]:
    """The server, for the length of a block."""
    server = SecondServer()
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.http.shutdown()
        thread.join()
        server.http.server_close()
