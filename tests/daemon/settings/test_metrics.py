"""The address of metrics."""

from pathlib import Path

import pytest

from chatd.daemon.settings.metrics import MetricsSection
from chatd.daemon.settings.section import Place


@pytest.fixture
def a_place(tmp_path: Path) -> Place:
    return Place("all", tmp_path, tmp_path)


def test_metrics_are_not_shown_unless_told() -> None:
    assert MetricsSection().listens() is None


@pytest.mark.parametrize(
    ("uri", "place", "is_local"),
    [
        ("http://127.0.0.1:9464", ("127.0.0.1", 9464), True),
        ("http://localhost:9464/", ("localhost", 9464), True),
        ("http://[::1]:9464", ("::1", 9464), True),
        ("http://0.0.0.0:9464", ("0.0.0.0", 9464), False),
        ("http://10.0.0.5:9464", ("10.0.0.5", 9464), False),
        ("http://node.example:9464", ("node.example", 9464), False),
    ],
)
def test_an_address_is_a_host_and_a_port(
    uri: str, place: tuple[str, int], is_local: bool, a_place: Place
) -> None:
    section = MetricsSection(metrics_uri=uri)
    assert (section.listens(), section.is_local) == (place, is_local)
    assert not list(section.problems(a_place))


@pytest.mark.parametrize(
    "uri",
    [
        "9464",
        ":9464",
        "http://:9464",
        "http://127.0.0.1",
        "http://127.0.0.1:0",
        "http://127.0.0.1:*",
        "http://127.0.0.1:99999",
        "http://user:secret@127.0.0.1:9464",
        "http://127.0.0.1:9464/metrics",
        "https://127.0.0.1:9464",
        "tcp://127.0.0.1:9464",
    ],
)
def test_anything_else_is_refused_in_one_line(uri: str, a_place: Place) -> None:
    (problem,) = MetricsSection(metrics_uri=uri).problems(a_place)
    assert problem.startswith("METRICS_URI: ")
    assert "secret" not in problem
