"""The picture of the benchmark's figures."""

from xml.etree import ElementTree

from tests.bench.chart import draw

SVG = "{http://www.w3.org/2000/svg}"


def test_a_bar_is_as_long_as_its_cost() -> None:
    picture = ElementTree.fromstring(
        draw(
            {
                "hot-room": {
                    "chatd": {"server_cpu_us_per_delivery": 1.5, "deliveries_per_second": 961_234},
                    "mosquitto": {"server_cpu_us_per_delivery": 6.0, "deliveries_per_second": 148_000},
                }
            }
        )
    )
    ours, theirs = (float(bar.attrib["width"]) for bar in picture.iter(f"{SVG}rect"))
    assert theirs == 4 * ours
    texts = [text.text for text in picture.iter(f"{SVG}text")]
    assert "1.5 µs · 961,000/s" in texts
    assert "in memory; saved every 30 s: mosquitto" in texts


def test_other_scenarios_are_left_out() -> None:
    picture = ElementTree.fromstring(draw({"idle": {"chatd": {"kib_per_connection": 5.0}}}))
    assert not list(picture.iter(f"{SVG}rect"))
