"""An endpoint is where a client sends chatd: only to push services that the operators name, and to
public addresses."""

import pytest

from chatd.notify.push_endpoints import PushEndpoints, is_public


@pytest.mark.parametrize(
    ("endpoint", "good"),
    [
        ("https://push.example.org/abc", True),
        ("https://eu.push.example.org:443/abc?x=1", True),
        ("https://PUSH.example.org/abc", True),
        ("https://notpush.example.org/abc", False),
        ("https://push.example.org.evil.net/abc", False),
        ("https://evil.net/push.example.org", False),
        ("https://push.example.org@evil.net/", False),
        ("https://evil.net\\@push.example.org/", False),
        ("https://push.example.org:8443/", False),
        ("https://push.example.org:x/", False),
        ("http://push.example.org/", False),
        ("https://169.254.169.254/latest", False),
        ("https://[::1]/", False),
        ("http://127.0.0.1:8000/anything", True),
        ("http://127.0.0.1:8001/anything", False),
        ("http://127.0.0.1:8000@evil.net/", False),
        ("file:///etc/passwd", False),
        ("https://push.example.org/\r\nHost: x", False),
        ("https://push.example.org/" + "x" * 2_048, False),
        ("", False),
    ],
)
def test_endpoints(endpoint: str, good: bool) -> None:
    assert (PushEndpoints(["push.example.org", " http://127.0.0.1:8000/ "]).fault(endpoint) == "") == good


def test_an_address_that_the_operators_name_as_a_host_must_be_public() -> None:
    """No resolver is asked for it, so nothing else would look at it."""
    endpoints = PushEndpoints(["127.0.0.1", "64:ff9b::7f00:1", "8.8.8.8"])
    assert endpoints.fault("https://127.0.0.1/x") == "its address is not public"
    assert endpoints.fault("https://[64:ff9b::7f00:1]/x") == "its address is not public"
    assert endpoints.fault("https://8.8.8.8/x") == ""


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("2002:7f00:1::", False),
        ("2002:a00:1::1", False),
        ("2002:808:808::1", True),
        ("::ffff:8.8.8.8", True),
        ("::7f00:1", False),
        ("::10.0.0.1", False),
        ("::8.8.8.8", True),
        ("::ffff:0:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::10.0.0.1", False),
        ("64:ff9b::169.254.169.254", False),
        ("64:ff9b::8.8.8.8", True),
        ("64:ff9b:1::8.8.8.8", False),
        ("64:ff9b:1:7f00:0:100::", False),
        ("2001:0:808:808:0:0:f7f7:f7f7", False),
        ("2001:0:808:808:0:0:80ff:fffe", False),
        ("2001:0:7f00:1:0:0:f7f7:f7f7", False),
        ("::", False),
        ("fec0::1", False),
        ("ff0e::1", False),
        ("100::1", False),
        ("2001:db8::1", False),
        ("3fff::1", False),
        ("5f00::1", False),
        ("192.0.2.1", False),
        ("198.18.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
    ],
)
def test_public_addresses(address: str, public: bool) -> None:
    assert is_public(address) == public
