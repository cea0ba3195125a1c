"""Addresses of trusted proxies, and of their clients."""

import pytest

from chatd.gateway.fronts.proxies import Proxies, parse_networks

TRUSTED = Proxies(parse_networks(["10.0.0.0/8", "2001:db8::/32"]))


@pytest.mark.parametrize(
    ("address", "is_trusted"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("2001:db8::1", True),
        ("11.1.2.3", False),
        ("::ffff:11.1.2.3", False),
        ("", False),
    ],
)
def test_a_proxy_is_trusted_by_either_form_of_its_address(address: str, is_trusted: bool) -> None:
    assert TRUSTED.trusts(address) is is_trusted


def test_the_client_is_the_last_that_is_no_trusted_proxy() -> None:
    said = "6.6.6.6, 203.0.113.7, ::ffff:10.0.0.9"
    assert TRUSTED.client("10.0.0.1", [said]) == "203.0.113.7"
    assert TRUSTED.client("10.0.0.1", ["203.0.113.7, nonsense"]) == "10.0.0.1"
    assert TRUSTED.client("10.0.0.1", ["6.6.6.6", "203.0.113.7"]) == "203.0.113.7", "HAProxy adds a header"
    assert TRUSTED.client("10.0.0.1", []) == "10.0.0.1"
