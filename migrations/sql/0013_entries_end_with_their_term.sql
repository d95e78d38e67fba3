-- An entry is public no longer than its own term, so the sweeps look for the earlier of the two last days.
drop index ix_sanctions_entries_feed_open;
create index ix_sanctions_entries_feed_open on sanctions_entries (least(public_until, until)) where feed_state = 'OPEN';
