"""A process's metrics and health over HTTP, as a scraper sees them."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.daemons import Daemon, free_port

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
"""Name and labels of each sample → its value."""


def metrics_uri() -> dict[str, str]:
    """The setting, with a port of its own."""
    return {"METRICS_URI": f"http://127.0.0.1:{free_port()}"}


def get(daemon: Daemon, path: str, *, method: str = "GET", **headers: str) -> tuple[int, str, bytes]:
    """Status, content type and body."""
    request = urllib.request.Request(daemon.settings["METRICS_URI"] + path, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as exc:
        return exc.code, exc.headers["Content-Type"] or "", exc.read()


def readiness(daemon: Daemon) -> tuple[int, list[str]]:
    """The status, and what is in the way."""
    status, kind, body = get(daemon, "/readyz")
    assert kind.startswith("application/json")
    answer: dict[str, Any] = json.loads(body)
    assert answer["ready"] == (status == 200)
    return status, answer["problems"]


def samples(daemon: Daemon) -> Samples:
    """All of a scrape."""
    status, _, text = get(daemon, "/metrics")
    assert status == 200
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def value(daemon: Daemon, name: str, **labels: str) -> float | None:
    """One sample; None: it is not there."""
    return samples(daemon).get((name, frozenset(labels.items())))


def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for it. Raises AssertionError."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"did not come true in {seconds:g} s"
        time.sleep(0.05)
