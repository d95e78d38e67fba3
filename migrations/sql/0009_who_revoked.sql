-- Who ended a grant or a delegation (a client, with the person who signed in through it, or an operator), and of a
-- delegation, why; a grant's reason has its column already. What was ended before does not say.
alter table grants add column revoked_by text;
alter table grants_history add column revoked_by text;
select watch_history('grants');

alter table delegations add column revoked_by text;
alter table delegations add column revoke_reason text;
