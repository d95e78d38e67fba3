"""Who is calling, once a token has been verified: frozen, without anything that came from one request.

`hub.identity` makes it of a token and the database; what a request adds (purpose, case) and what follows for rows and
fields is `hub.policy.caller`'s.
"""

from dataclasses import dataclass

from hub.store.labels import ClientKind


@dataclass(frozen=True, slots=True)
class Opening:
    """What one grant opens today to the caller's department: items of one owner, for some purposes.

    `owner_ids` are the department that granted and those whose duties it took over: what is theirs is opened, and
    nothing that other departments hold of the same items.
    """

    grant_id: int
    owner: str
    owner_ids: tuple[int, ...]
    item_codes: frozenset[str]
    purposes: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class Principal:
    """A caller with a token; one for each token, told apart by identity, so that what follows from it is found fast.

    `scopes` and `purposes` are what token, client, person, delegation and grants together leave. `department_id` is
    the department it acts for; `own_departments` holds that one and those whose duties it took over,
    `granting_departments` those of them whose scope grants:write the token holds. `subject_id` is set for a subject's
    own representative. `openings` are the grants in force today whose scope the token holds.
    """

    client: str
    kind: ClientKind
    scopes: frozenset[str]
    purposes: frozenset[str]
    person: str | None = None
    department_id: int | None = None
    department: str | None = None
    own_departments: tuple[int, ...] = ()
    granting_departments: tuple[int, ...] = ()
    subject_id: int | None = None
    openings: tuple[Opening, ...] = ()

    def holds(self, scope: str) -> bool:
        """Whether a scope is among those left to it."""
        return scope in self.scopes
