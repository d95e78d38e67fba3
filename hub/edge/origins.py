"""Pages of other origins (CORS): which methods and headers they may use, and what they may read of an answer."""

from collections.abc import Collection, Mapping

from hub.edge.reply import Headers, Reply

ALLOWED = b"GET, HEAD, POST, OPTIONS"
EXPOSED = b"etag, retry-after, www-authenticate, x-request-id"


def preflight(asked: Mapping[bytes, bytes], origins: Collection[bytes]) -> Reply:
    """What a browser may ask from another origin, where it is one of these."""
    headers: Headers = [(b"allow", ALLOWED), (b"vary", b"Origin")]
    if asked.get(b"origin") in origins:
        headers += [
            (b"access-control-allow-methods", b"GET, POST"),
            (b"access-control-allow-headers", b"content-type, authorization, hub-purpose, hub-case, x-request-id"),
            (b"access-control-max-age", b"600"),
        ]
    return Reply(204, None, headers)


def allow_origin(headers: Mapping[bytes, bytes], reply: Reply, origins: Collection[bytes]) -> None:
    """Let a page of one of these origins read the answer."""
    origin = headers.get(b"origin")
    if origin is not None and origin in origins:
        reply.headers += [(b"access-control-allow-origin", origin), (b"access-control-expose-headers", EXPOSED)]
        if not any(name == b"vary" for name, _ in reply.headers):
            reply.headers.append((b"vary", b"Origin"))
