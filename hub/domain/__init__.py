"""Rules of the domain as pure functions: no SQL, no GraphQL, nothing read but the packaged files, no clock."""
