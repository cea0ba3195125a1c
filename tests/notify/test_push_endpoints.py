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
    ],
)
def test_public_addresses(address: str, public: bool) -> None:
    assert is_public(address) == public
