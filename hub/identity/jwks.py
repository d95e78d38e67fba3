"""Other people's public keys: checked when they are registered, chosen by name and algorithm when a signature is.

The algorithm follows from the key, never from the message alone: a public key cannot serve as an HMAC secret, and there
is no `none`.
"""

from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

VerifyingKey = ECKey | OKPKey | RSAKey

KEYS_MAX: Final = 20
RSA_BITS_MIN: Final = 2_048
# Which algorithms a key may verify, by its type and curve.
ALGORITHMS: Final[Mapping[tuple[str, str | None], frozenset[str]]] = {
    ("EC", "P-256"): frozenset({"ES256"}),
    ("EC", "P-384"): frozenset({"ES384"}),
    ("OKP", "Ed25519"): frozenset({"EdDSA", "Ed25519"}),
    ("RSA", None): frozenset({"PS256", "RS256", "PS384", "RS384", "PS512", "RS512"}),
}
# Two names of one algorithm (RFC 9864): libraries name it by either, whichever its key was published under.
ED25519: Final = ALGORITHMS["OKP", "Ed25519"]
ALL_ALGORITHMS: Final = sorted(frozenset().union(*ALGORITHMS.values()))
PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


class UnfitKeys(ValueError):
    """A set of keys that cannot be used; the message says what to mend and shows nothing of the keys."""


def checked(document: object) -> dict[str, Any]:
    """A JWKS document (RFC 7517) of public keys that can verify signatures; a single JWK is taken as a set of one.

    Raises UnfitKeys.
    """
    if isinstance(document, dict) and "keys" not in document and "kty" in document:
        document = {"keys": [document]}
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise UnfitKeys("must be a JWKS document: a JSON object with a list `keys`")
    if not 1 <= len(keys) <= KEYS_MAX:
        raise UnfitKeys(f"must hold from 1 to {KEYS_MAX} keys")
    names = [key.get("kid") for key in keys]
    if len(keys) > 1 and (None in names or len(set(map(str, names))) < len(names)):
        raise UnfitKeys("must give each of its keys a `kid` of its own")
    for key in keys:
        if PRIVATE_MEMBERS & key.keys():
            raise UnfitKeys("holds a private or secret key; give the public halves only, and replace that key")
        verifying(key)
    return {"keys": keys}


def verifying(jwk: Mapping[str, Any]) -> tuple[VerifyingKey, frozenset[str]]:
    """A public key, and the algorithms that it may verify.

    Raises UnfitKeys for a key of another type, a short one, and one that is meant for something else.
    """
    kty = jwk.get("kty")
    algorithms = ALGORITHMS.get((str(kty), None if kty == "RSA" else str(jwk.get("crv"))))
    if algorithms is None:
        raise UnfitKeys("must hold keys on P-256, P-384 or Ed25519, or RSA keys")
    if jwk.get("use", "sig") != "sig" or "verify" not in jwk.get("key_ops", ["verify"]):
        raise UnfitKeys("must hold keys for signatures (`use`: `sig`)")
    if "alg" in jwk:
        named = {jwk["alg"]} if isinstance(jwk["alg"], str) else frozenset()
        algorithms &= ED25519 if named & ED25519 else named
        if not algorithms:
            raise UnfitKeys("names an `alg` that does not fit its key")
    public = {name: value for name, value in jwk.items() if name in ("kty", "crv", "x", "y", "n", "e")}
    key: VerifyingKey
    try:
        # Asked before it is read: the library only warns of a short one.
        short = kty == "RSA" and len(urlsafe_b64decode(public["n"] + "==")) * 8 < RSA_BITS_MIN
        if kty == "EC":
            key = ECKey.import_key(public)
        elif kty == "OKP":
            key = OKPKey.import_key(public)
        elif not short:
            key = RSAKey.import_key(public)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        raise UnfitKeys("holds a key that cannot be read") from None
    if short:
        raise UnfitKeys(f"must hold RSA keys of at least {RSA_BITS_MIN} bits")
    return key, algorithms


def chosen(keys: Sequence[Mapping[str, Any]], kid: object, algorithm: object) -> VerifyingKey | None:
    """The key of a set by which a signature with this header may be checked; none where there is no such key.

    Without a `kid` there must be one key only that fits.
    """
    fitting: list[VerifyingKey] = []
    for jwk in keys:
        if kid is not None and jwk.get("kid", kid) != kid:
            continue
        try:
            key, algorithms = verifying(jwk)
        except UnfitKeys:
            continue
        if isinstance(algorithm, str) and algorithm in algorithms:
            fitting.append(key)
    return fitting[0] if len(fitting) == 1 else None


def new_pair() -> tuple[dict[str, Any], dict[str, Any]]:
    """A new key for a client: the private JWK, for the client alone, and the public half, to be registered."""
    key = ECKey.generate_key("P-256", private=True)
    said = {"kid": key.thumbprint(), "alg": "ES256", "use": "sig"}
    return {**key.as_dict(private=True), **said}, {**key.as_dict(private=False), **said}
