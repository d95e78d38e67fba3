"""One-time codes by time (RFC 6238, as authenticator apps make them: SHA-1, six digits, 30 seconds)."""

import base64
import hmac
import secrets
from hashlib import sha1
from urllib.parse import quote

STEP_SECONDS = 30
DIGITS = 6
# Steps before and after the present one that are taken too: telephones' clocks differ.
STEPS_AROUND = 1
SECRET_BYTES = 20


def new_secret() -> str:
    """A secret in base 32, as apps take it."""
    return base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def code_at(secret: str, step: int) -> str:
    """The code of a step (RFC 4226)."""
    digest = hmac.digest(base64.b32decode(secret), step.to_bytes(8, "big"), sha1)
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def step_of(secret: str, code: str, now_s: float) -> int | None:
    """The step whose code this is, among those around now; every candidate is compared, found or not."""
    given = code.strip().replace(" ", "").encode("utf-8", "surrogatepass")
    present = int(now_s) // STEP_SECONDS
    found = None
    for step in range(present - STEPS_AROUND, present + STEPS_AROUND + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), given):
            found = step
    return found


def uri(secret: str, username: str) -> str:
    """What a QR code for an app holds; it holds the secret, so it is shown once and never logged."""
    return f"otpauth://totp/Credit%20Hub:{quote(username)}?secret={secret}&issuer=Credit%20Hub"
