"""Answers where there is nothing: JSON with a code, as everywhere, and in OAuth's own form at its addresses."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hub.edge.oauth import failed


async def nothing_here(request: Request, fault: Exception) -> Response:
    """The answer to an address that is none (404), or to a method that it does not take (405)."""
    status: int = getattr(fault, "status_code", 404)
    headers: dict[str, str] = dict(getattr(fault, "headers", None) or {})
    if "Allow" in headers:
        headers["Allow"] = ", ".join(sorted(headers["Allow"].split(", ")))  # it comes in the order of a set
    sentence = "There is nothing at this address; GraphQL is at /graphql."
    if status == 405:
        sentence = f"This address takes only {headers.get('Allow', 'other methods')}."
    if request.url.path.startswith("/oauth/"):
        answer = failed(status, "invalid_request", sentence)
    else:
        errors = [{"message": sentence, "extensions": {"code": "BAD_USER_INPUT"}}]
        answer = JSONResponse({"errors": errors}, status, {"X-Content-Type-Options": "nosniff"})
    answer.headers.update(headers)
    return answer
