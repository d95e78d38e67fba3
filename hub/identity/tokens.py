"""Access tokens (RFC 9068): issued as signed JWTs for ten minutes, verified by whoever has the published keys.

A token says who it was issued to and for which scopes; what it is worth is looked up (`hub.identity.standing`) and
kept, by the token's hash, until the token ends, the day in Beijing turns, or somebody's rights change: every process
hears of such a change when it commits, and one that cannot hear keeps nothing.
"""

import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import blake2b
from time import time
from typing import Any, Final
from uuid import UUID

from joserfc import jws, jwt
from joserfc.errors import JoseError

from hub.clock import Clock
from hub.errors import HubError
from hub.identity.keys import ALGORITHM, LEEWAY, TOKEN_LIFE, Keys, load_keys
from hub.identity.standing import Standing, standing_of
from hub.policy.principal import Principal
from hub.store.pool import Pool

PRINCIPALS_KEPT: Final = 10_000
REFUSALS_KEPT: Final = 2_000
REFUSED_SECONDS: Final = 2.0
TOKEN_BYTES_MAX: Final = 8_192
TYPE: Final = "at+jwt"

REVOKED = """
    select exists (select from revoked_tokens where jti = $1)
        or exists (select from token_families where id = $2 and revoked_at is not null)
"""


class BadToken(HubError):
    """A token that is not honoured; the sentence helps an honest developer, and tells nothing that he does not know."""

    code = "UNAUTHENTICATED"

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says, once its signature, its kind, its audience and its time were found right."""

    client: str
    person: str | None
    scopes: tuple[str, ...]
    expires: float
    jti: str
    family: UUID | None = None


def issue(
    keys: Keys,
    standing: Standing,
    scopes: Sequence[str],
    *,
    issuer: str,
    audience: str,
    family: UUID | None = None,
    now: datetime,
) -> tuple[str, int]:
    """A new token for scopes that the standing has, and the seconds it lives."""
    issued = int(now.timestamp())
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": audience,
        "sub": standing.person or standing.client,
        "client_id": standing.client,
        "scope": " ".join(scopes),
        "iat": issued,
        "exp": issued + int(TOKEN_LIFE.total_seconds()),
        "jti": secrets.token_urlsafe(18),
    }
    if standing.department is not None:
        claims["department"] = standing.department
    if family is not None:
        claims["family"] = str(family)
    header = {"alg": ALGORITHM, "typ": TYPE, "kid": keys.signing.kid}
    return jwt.encode(header, claims, keys.signing, [ALGORITHM]), int(TOKEN_LIFE.total_seconds())


def claims_of(token: bytes, keys: Keys, *, issuer: str, audience: str, now: datetime) -> Claims:
    """What a token of this hub says.

    Raises BadToken.
    """
    told = checked(token, keys.public.get, [ALGORITHM], issuer=issuer, audience=audience, now=now)
    client, subject, family = told.get("client_id"), told.get("sub"), told.get("family")
    if not isinstance(client, str) or not isinstance(subject, str) or not isinstance(told.get("jti"), str):
        raise BadToken("The access token lacks a claim that RFC 9068 asks for.")
    try:
        belongs_to = None if family is None else UUID(str(family))
    except ValueError:
        raise BadToken("The access token lacks a claim that RFC 9068 asks for.") from None
    return Claims(
        client,
        None if subject == client else subject,
        tuple(str(told.get("scope", "")).split()),
        float(told["exp"]),
        told["jti"],
        belongs_to,
    )


def checked(
    token: bytes,
    key_of: Callable[[str], Any],
    algorithms: list[str],
    *,
    issuer: str,
    audience: str,
    now: datetime,
    types: Sequence[str] = (TYPE, f"application/{TYPE}"),
) -> dict[str, Any]:
    """A token's claims, if a known key signed them by a right algorithm, for us, and for now.

    Raises BadToken.
    """
    if len(token) > TOKEN_BYTES_MAX:
        raise BadToken("The access token is longer than any that this hub honours.")
    try:
        header = jws.extract_compact(token).headers()
        kid = header.get("kid")
        key = key_of(kid) if isinstance(kid, str) else None
        if str(header.get("typ", "")).lower() not in types:
            raise BadToken("This is no access token: its header must say typ at+jwt.")
        if key is None or header.get("alg") not in algorithms:
            raise BadToken("The access token was not signed by this hub's issuer.")
        claims = jwt.decode(token, key, algorithms).claims
    except (JoseError, ValueError, TypeError, KeyError):
        raise BadToken("The access token was not signed by this hub's issuer.") from None
    told_for = claims.get("aud")
    if claims.get("iss") != issuer:
        raise BadToken("The access token is another issuer's.")
    if audience != told_for and not (isinstance(told_for, list) and audience in told_for):
        raise BadToken("The access token is for another resource; ask for one with this hub as its resource.")
    moment, leeway = now.timestamp(), LEEWAY.total_seconds()
    expires, starts = claims.get("exp"), claims.get("nbf", 0)
    if not isinstance(expires, int | float) or not isinstance(starts, int | float):
        raise BadToken("The access token does not say when it ends.")
    if expires + leeway <= moment:
        raise BadToken("The access token has expired; ask for a new one.")
    if starts - leeway > moment:
        raise BadToken("The access token is not valid yet.")
    return claims


@dataclass(slots=True)
class _Known:
    principal: Principal
    until: float
    day: date


class Verifier:
    """Turns tokens into principals, for one process."""

    def __init__(self, pool: Callable[[], Pool], clock: Clock, *, issuer: str, audience: str) -> None:
        self.pool = pool
        self.clock = clock
        self.issuer = issuer
        self.audience = audience
        # Whether changes of rights are heard of: nothing is kept while they are not.
        self.listening = False
        # Counts changes: what was looked up before one may be out of date after it.
        self.changes = 0
        self.keys: Keys | None = None
        self.known: OrderedDict[bytes, _Known] = OrderedDict()
        self.refused: OrderedDict[bytes, tuple[float, str]] = OrderedDict()

    def forget(self, *, listening: bool) -> None:
        """Forget everything, since rights have changed, or may have changed unheard."""
        self.listening = listening
        self.changes += 1
        self.keys = None
        self.known.clear()
        self.refused.clear()

    def cached(self, token: bytes) -> Principal | None:
        """The principal of a token that is known to be good now; costs a hash and no more."""
        known = self.known.get(blake2b(token, digest_size=16).digest())
        if known is None or known.until <= time() or known.day != self.clock.today():
            return None
        return known.principal

    async def principal(self, token: bytes) -> Principal:
        """The principal of a token.

        Raises BadToken, and OSError or asyncpg.PostgresError when the database cannot be asked.
        """
        hashed = blake2b(token, digest_size=16).digest()
        refused = self.refused.get(hashed)
        if refused is not None and refused[0] > time():
            raise BadToken(refused[1])
        changes = self.changes
        today = self.clock.today()
        try:
            principal, until = await self.resolved(token, today)
        except BadToken as bad:
            self.refused[hashed] = (time() + REFUSED_SECONDS, bad.sentence)
            if len(self.refused) > REFUSALS_KEPT:
                self.refused.popitem(last=False)
            raise
        if self.listening and changes == self.changes:
            self.known[hashed] = _Known(principal, until, today)
            if len(self.known) > PRINCIPALS_KEPT:
                self.known.popitem(last=False)
        return principal

    async def resolved(self, token: bytes, today: date) -> tuple[Principal, float]:
        """The principal of a token, looked up, and until when it may be kept."""
        async with self.pool().connection() as connection:
            changes = self.changes
            keys = self.keys
            if keys is None:
                keys = await self.load_keys(connection)
                if self.listening and changes == self.changes:
                    self.keys = keys
            claims = claims_of(token, keys, issuer=self.issuer, audience=self.audience, now=self.clock.outside())
            if await connection.fetchval(REVOKED, claims.jti, claims.family):
                raise BadToken("The access token was revoked.")
            standing = await standing_of(connection, claims.client, claims.person, today)
        if standing is None:
            raise BadToken("The access token was revoked.")
        return standing.principal(claims.scopes), claims.expires

    async def load_keys(self, connection: Any) -> Keys:
        """The issuer's keys."""
        return await load_keys(connection, self.clock)
