"""An agency that looks beyond the public: a client of a department, with scopes, a grant and a purpose."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from hub.clock import Clock
from hub.commands.grants import Terms, grant_access
from hub.identity import clients
from hub.identity.clients import NewClient
from hub.identity.principals import RIGHTS
from hub.policy.caller import Rules, years_before
from hub.settings import Settings
from hub.store.engine import connect
from hub.store.labels import ClientAuthentication, ClientKind

AGENCY, OWNER, PURPOSE = "mohurd", "samr", "tender"
SCOPES = ("subjects:read", "records:read", "sanctions:read", f"{OWNER}/records:read")
GRANTED = ("samr-complaint", "samr-interview")
STANDING = """
    select exists (
        select from grants g join departments o on o.id = g.owner_id join departments t on t.id = g.grantee_id
        where o.code = $1 and t.code = $2 and g.item_codes = $3 and g.revoked_at is null
    )
"""


@dataclass(frozen=True)
class Agency:
    """What proves it to the hub; and what follows for rows, which the hand-written limit is simply given."""

    client_id: str
    secret: str
    sees: Mapping[str, Any]

    def headers(self, base_url: str) -> dict[str, str]:
        """Headers with a new token, good for ten minutes."""
        asked = {"grant_type": "client_credentials", "scope": " ".join(SCOPES)}
        answer = httpx.post(f"{base_url}/oauth/token", data=asked, auth=(self.client_id, self.secret))
        answer.raise_for_status()
        return {
            "Authorization": f"Bearer {answer.json()['access_token']}",
            "Hub-Purpose": PURPOSE,
            "Hub-Case": "benchmark 1",
        }


async def agency(url: str) -> Agency:
    """A new client of the agency in a seeded world, and the grant where there is none yet."""
    clock, purposes = Clock(), Settings().purposes
    new = NewClient(
        name="benchmark",
        kind=ClientKind.AGENCY,
        auth_method=ClientAuthentication.SECRET,
        department=AGENCY,
        scopes=SCOPES,
        purposes=(PURPOSE,),
    )
    connection = await connect(url)
    try:
        created = await clients.create_client(connection, clock, new, purposes=purposes)
        if not await connection.fetchval(STANDING, OWNER, AGENCY, sorted(GRANTED)):
            terms = Terms(OWNER, AGENCY, GRANTED, (PURPOSE,))
            made = await grant_access(connection, clock, terms, known_purposes=purposes)
            assert made.grant_id is not None, made.problems
        today = clock.today()
        rights = await connection.fetchrow(RIGHTS, created.client_id, None, today, None, None, None, None)
        owner = await connection.fetchval("select id from departments where code = $1", OWNER)
    finally:
        await connection.close()
    assert created.secret is not None
    sees = {
        "departments": list(rights["own_departments"]),
        "granted": [f"{owner}/{item}" for item in GRANTED],
        "since": years_before(today, Rules().sharing_years).isoformat(),
    }
    return Agency(created.client_id, created.secret, sees)
