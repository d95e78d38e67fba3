"""Who may ask: OAuth's clients, the people who sign in, keys, tokens, and delegations to suppliers.

What proves an identity is kept as a hash (secrets, passwords, codes, refresh tokens), or does not leave the process
that reads it (private keys, TOTP secrets). A change of whatever rights depend on is told on the channel `hub_rights`
when it commits, by the trigger `tell_rights`.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from hub.store.labels import ClientAuthentication, ClientKind
from hub.store.metadata import CodeText, TextList, Timestamp, code, day, label, metadata

RIGHTS_CHANNEL = "hub_rights"

oauth_clients = Table(
    "oauth_clients",
    metadata,
    code(
        "client_id",
        CheckConstraint("client_id ~ '^[a-z0-9][a-z0-9._-]{0,62}$'", name="client_id_shape"),
        primary_key=True,
    ),
    Column("name", Text, nullable=False),
    label("kind", ClientKind),
    Column("department_id", Integer, ForeignKey("departments.id")),
    code("uscc", nullable=True),
    label("auth_method", ClientAuthentication),
    Column("secret_hash", Text),
    Column("jwks", JSONB),
    Column("jwks_uri", Text),
    Column("grant_types", TextList, nullable=False),
    Column("redirect_uris", TextList, nullable=False, server_default=text("'{}'")),
    Column("scopes", TextList, nullable=False),
    Column("purposes", TextList, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("changed_at", Timestamp, nullable=False),
    Column("disabled_at", Timestamp),
    CheckConstraint(
        "case auth_method when 'SECRET' then secret_hash is not null"
        " when 'PRIVATE_KEY_JWT' then (jwks is null) <> (jwks_uri is null)"
        " else secret_hash is null and jwks is null and jwks_uri is null end",
        name="way_to_authenticate",
    ),
    CheckConstraint("kind <> 'AGENCY' or department_id is not null", name="agency_has_department"),
    CheckConstraint("(kind = 'REPRESENTATIVE') <= (uscc is not null)", name="representative_has_subject"),
)

# A supplier acts for one department, within what that department delegated to it and for a term.
delegations = Table(
    "delegations",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("client_id", CodeText, ForeignKey("oauth_clients.client_id"), nullable=False),
    Column("department_id", Integer, ForeignKey("departments.id"), nullable=False),
    Column("scopes", TextList, nullable=False),
    Column("purposes", TextList, nullable=False),
    day("valid_from", nullable=False),
    day("valid_until"),
    Column("created_at", Timestamp, nullable=False),
    Column("revoked_at", Timestamp),
    # An operator, and why; in the order in which migrations added them.
    Column("revoked_by", Text),
    Column("revoke_reason", Text),
    CheckConstraint("valid_until >= valid_from", name="valid_order"),
    Index("ux_delegations_standing", "client_id", unique=True, postgresql_where=text("revoked_at is null")),
)

oauth_users = Table(
    "oauth_users",
    metadata,
    code(
        "username",
        CheckConstraint("username ~ '^[a-z0-9][a-z0-9._@-]{0,62}$'", name="username_shape"),
        primary_key=True,
    ),
    Column("name", Text, nullable=False),
    Column("department_id", Integer, ForeignKey("departments.id"), nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("totp_secret", Text),
    # The last one that was used: a code is good once.
    Column("totp_step", BigInteger),
    Column("scopes", TextList, nullable=False),
    Column("purposes", TextList, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("changed_at", Timestamp, nullable=False),
    Column("disabled_at", Timestamp),
)

# The newest key that is not retired signs; a public key stays published until the last token it signed has expired.
signing_keys = Table(
    "signing_keys",
    metadata,
    code("kid", primary_key=True),
    Column("private_jwk", JSONB, nullable=False),
    Column("public_jwk", JSONB, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("retired_at", Timestamp),
    Column("published_until", Timestamp),
)

# All tokens that go back to one sign-in or one exchange; revoking it revokes them all.
token_families = Table(
    "token_families",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("client_id", CodeText, ForeignKey("oauth_clients.client_id"), nullable=False),
    Column("username", CodeText, ForeignKey("oauth_users.username")),
    Column("created_at", Timestamp, nullable=False),
    Column("revoked_at", Timestamp),
    Index(None, "created_at"),
)

authorization_codes = Table(
    "authorization_codes",
    metadata,
    Column("code_hash", LargeBinary, primary_key=True),
    Column("family_id", Uuid, ForeignKey("token_families.id"), nullable=False),
    code("client_id"),
    code("username"),
    Column("redirect_uri", Text, nullable=False),
    Column("scopes", TextList, nullable=False),
    Column("challenge", Text, nullable=False),
    Column("resource", Text),
    Column("expires_at", Timestamp, nullable=False),
    Column("used_at", Timestamp),
    Index(None, "expires_at"),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("family_id", Uuid, ForeignKey("token_families.id"), nullable=False),
    Column("scopes", TextList, nullable=False),
    Column("resource", Text),
    Column("issued_at", Timestamp, nullable=False),
    Column("expires_at", Timestamp, nullable=False),
    Column("used_at", Timestamp),
    Index(None, "family_id"),
    Index(None, "expires_at"),
)

# A client's assertion is good once (RFC 7523); remembered until it would have expired anyway.
used_assertions = Table(
    "used_assertions",
    metadata,
    code("client_id", primary_key=True),
    Column("jti_hash", LargeBinary, primary_key=True),
    Column("expires_at", Timestamp, nullable=False),
    Index(None, "expires_at"),
)

# Single access tokens that were revoked (RFC 7009); remembered until they would have expired anyway.
revoked_tokens = Table(
    "revoked_tokens",
    metadata,
    code("jti", primary_key=True),
    Column("expires_at", Timestamp, nullable=False),
    Index(None, "expires_at"),
)

login_sessions = Table(
    "login_sessions",
    metadata,
    Column("session_hash", LargeBinary, primary_key=True),
    Column("username", CodeText, ForeignKey("oauth_users.username"), nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("expires_at", Timestamp, nullable=False),
    Index(None, "expires_at"),
)

# Failures in a row, by what was tried (a name, an address), hashed. Unlogged: after a crash one may try anew.
login_attempts = Table(
    "login_attempts",
    metadata,
    Column("tried", LargeBinary, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", Timestamp, nullable=False),
    prefixes=["UNLOGGED"],
)

# A mutation that a client sends again under its key gets the answer of the first time (kept 30 days).
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    code("client_id", primary_key=True),
    Column("key", Text, primary_key=True),
    Column("body_hash", LargeBinary, nullable=False),
    Column("answer", JSONB, nullable=False),
    Column("at", Timestamp, nullable=False),
    Index(None, "at"),
)
