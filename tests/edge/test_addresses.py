"""By what a caller without a token is known."""

import pytest

from hub.edge.clients import address_of, networks

TRUSTED = networks("10.0.0.0/8, fd00::/8")


@pytest.mark.parametrize(
    ("peer", "forwarded", "counted"),
    [
        ("192.0.2.1", "198.51.100.1", "192.0.2.1"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.1, 10.1.1.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, nonsense", "10.0.0.1"),
        # Some proxies name the port, too.
        ("10.0.0.1", "198.51.100.1:50123", "198.51.100.1"),
        ("10.0.0.1", "203.0.113.9, [2001:db8:1:2::7]:443, 10.1.1.1:80", "2001:db8:1:2::"),
        ("10.0.0.1", "198.51.100.1:50123:4", "10.0.0.1"),
        # Whoever is trusted may name thousands.
        ("10.0.0.1", "198.51.100.1" + ", 10.1.1.1" * 49, "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1" + ", 10.1.1.1" * 5_000, "10.1.1.1"),
        # One customer has a whole network of IPv6 addresses, and would have as many budgets.
        ("2001:db8:1:2:3:4:5:6", None, "2001:db8:1:2::"),
        ("2001:db8:1:2::ffff", None, "2001:db8:1:2::"),
        ("fd00::1", "2001:DB8:1:2::7", "2001:db8:1:2::"),
        # A socket for both families shows IPv4 addresses so; they are not one network.
        ("::ffff:192.0.2.1", None, "192.0.2.1"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("unknown", None, "unknown"),
    ],
)
def test_a_caller_is_its_address_as_far_as_it_can_be_believed(peer: str, forwarded: str | None, counted: str) -> None:
    headers = {} if forwarded is None else {b"x-forwarded-for": forwarded.encode()}
    assert address_of({"client": (peer, 1)}, headers, TRUSTED) == counted
