"""GraphiQL as the hub serves it: the built page, its assets, and samples of the hub's real operations.

Whatever the page needs comes from the hub itself, and its policy lets the browser ask no other host. The assets are
built from npm packages by `hatch_build.py` when the package is built, installed, or synchronised.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

import orjson
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from hub.edge.request import ACCEPT_BYTES_MAX, Scope, header, quality_of, remembered
from hub.policy.scopes import MEANINGS
from hub.settings import PURPOSES

BUILT = Path(__file__).parent / "assets" / "graphiql"
SAMPLES = Path(__file__).parent / "samples"
SAMPLE = re.compile(r"# (.+)\n# (.+)\n# (.+)\n\nquery (\w+)")

ASSET_NAME = re.compile(r"[\w-][\w.-]*")
ASSET_TYPES = MappingProxyType(
    {
        ".js": "text/javascript; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".svg": "image/svg+xml",
        ".ttf": "font/ttf",
        ".txt": "text/plain; charset=utf-8",
    }
)

# Inline styles, since the editor lays out by style elements of its own; data: for the pictures in its style sheet.
# Nothing inline runs, and workers are files of ours.
POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; font-src 'self';"
    " img-src 'self' data:; style-src 'self' 'unsafe-inline';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# On assets too: a worker lives under the policy of its own answer.
GUARDS = MappingProxyType(
    {
        "Content-Security-Policy": POLICY,
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
)
# A name changes with its content, so nothing is ever asked for twice.
FOR_EVER = "public, max-age=31536000, immutable"

NOT_BUILT = """<!doctype html>
<html lang="zh-CN"><meta charset="utf-8"><title>GraphiQL 尚未构建</title>
<h1>GraphiQL 尚未构建</h1>
<p>请在源代码目录执行以下命令（需要能访问 npm 软件源），然后刷新此页。
GraphQL 本身不受影响，地址是 <code>/graphql</code>。</p>
<p lang="en">GraphiQL has not been built. In the source directory, where the npm registry can be reached, run this
command and reload the page. GraphQL itself is not affected; it is at <code>/graphql</code>.</p>
<pre>uv sync --reinstall-package credit-hub</pre>
</html>
"""


NO_ASSET = orjson.dumps(
    {"errors": [{"message": "There is no such file of GraphiQL.", "extensions": {"code": "BAD_USER_INPUT"}}]}
)


@dataclass(frozen=True, slots=True)
class Sample:
    """A real operation: its name, its title in both languages, what it is about in each, its text and variables."""

    name: str
    title: str
    about: str
    aboutInEnglish: str  # noqa: N815 - as the page reads it
    query: str
    variables: str


def read_sample(file: Path) -> Sample:
    """A sample from its `.graphql` file, three lines of comment on top, and the `.json` beside it.

    Raises LookupError where the file is not of that form.
    """
    text = file.read_text(encoding="utf-8").strip()
    form = SAMPLE.match(text)
    if form is None:
        raise LookupError(f"{file.name} is not three lines of comment and a named query")
    title, about, about_in_english, name = form.groups()
    return Sample(name, title, about, about_in_english, text, file.with_suffix(".json").read_text("utf-8").strip())


@cache
def samples() -> tuple[Sample, ...]:
    """Every sample, in the order of the files' names."""
    return tuple(read_sample(file) for file in sorted(SAMPLES.glob("*.graphql")))


def asks_for_page(scope: Scope) -> bool:
    """Whether a request to the GraphQL address wants GraphiQL instead: a browser that goes there."""
    return scope["method"] in ("GET", "HEAD") and prefers_html(header(scope, b"accept"))


@remembered
def prefers_html(accept: bytes | None) -> bool:
    """Whether `Accept` takes HTML more gladly than JSON."""
    if accept is None or len(accept) > ACCEPT_BYTES_MAX or b"text/html" not in accept.lower():
        return False
    takes: dict[bytes, float] = {}
    for part in accept.split(b","):
        name, *parameters = (piece.strip().lower() for piece in part.split(b";"))
        takes[name] = quality_of(parameters)
    anything = takes.get(b"*/*", 0.0)
    application = takes.get(b"application/*", anything)
    json = (takes.get(b"application/json", application), takes.get(b"application/graphql-response+json", application))
    return takes.get(b"text/html", 0.0) > max(json)


def page(_: Request) -> Response:
    """GraphiQL itself, or how to build it."""
    headers = {**GUARDS, "Cache-Control": "no-cache", "Vary": "Accept"}
    built = BUILT / "index.html"
    if not built.is_file():
        return HTMLResponse(NOT_BUILT, status_code=503, headers=headers)
    return HTMLResponse(built.read_bytes(), headers=headers)


def asset(request: Request) -> Response:
    """A file of the page, compressed where the browser takes that."""
    name = request.path_params["name"]
    file = BUILT / "assets" / name
    media_type = ASSET_TYPES.get(file.suffix)
    if media_type is None or ASSET_NAME.fullmatch(name) is None or not file.is_file():
        return Response(NO_ASSET, status_code=404, media_type="application/json", headers=GUARDS)
    headers = {**GUARDS, "Cache-Control": FOR_EVER, "Vary": "Accept-Encoding"}
    compressed = file.with_name(f"{name}.gz")
    if "gzip" in request.headers.get("accept-encoding", "") and compressed.is_file():
        return FileResponse(compressed, media_type=media_type, headers={**headers, "Content-Encoding": "gzip"})
    return FileResponse(file, media_type=media_type, headers=headers)


def samples_answer(_: Request) -> Response:
    """The samples, for the page's panel."""
    body = orjson.dumps([asdict(sample) for sample in samples()])
    return Response(body, media_type="application/json", headers={**GUARDS, "Cache-Control": "no-cache"})


def routes(base_url: str, issuer: str | None, purposes: Sequence[str]) -> list[Route]:
    """The page's addresses at a hub that is called so from outside; `issuer` is the outside one, where there is one."""
    told = orjson.dumps(
        {
            "baseUrl": base_url,
            "outsideIssuer": issuer,
            "purposes": [
                dict(zip(("code", "english", "chinese"), (code, *PURPOSES.get(code, ("", ""))), strict=True))
                for code in purposes
            ],
            "meanings": {str(scope): said for scope, said in MEANINGS.items()},
        }
    )

    # Elsewhere the page's assets have relative addresses; a sign-in ends a level deeper, and then moves up.
    root = urlsplit(base_url).path.encode()

    def callback(request: Request) -> Response:
        """The same page, where a sign-in ends; it takes the code out of the address before anything else."""
        answer = page(request)
        whole = bytes(answer.body).replace(b'"graphiql/assets/', b'"%s/graphiql/assets/' % root)
        return HTMLResponse(whole, answer.status_code, {**GUARDS, "Cache-Control": "no-store"})

    def settings(_: Request) -> Response:
        return Response(told, media_type="application/json", headers={**GUARDS, "Cache-Control": "no-cache"})

    def front(_: Request) -> Response:
        """Who goes to the hub itself wants to look around; relative, so that it holds behind a proxy's path too."""
        return Response(status_code=302, headers={"Location": "graphiql", "Cache-Control": "no-cache"})

    return [
        Route("/", front),
        Route("/graphiql", page),
        # Only where `asks_for_page`.
        Route("/graphql", page),
        Route("/graphiql/callback", callback),
        Route("/graphiql/settings", settings),
        Route("/graphiql/samples", samples_answer),
        Route("/graphiql/assets/{name}", asset),
    ]
