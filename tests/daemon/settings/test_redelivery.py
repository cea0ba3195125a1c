from chatd.daemon.settings.redelivery import RedeliverySection
from chatd.default.dead_letters.failures import RetryRule


def test_gateways_and_default_nodes_have_the_same_pause() -> None:
    section = RedeliverySection(delivery_retry_ms=2_500, max_delivery_retries=7)
    assert section.first_pause() == 2.5
    assert section.rule() == RetryRule(max_retries=7, first_us=2_500_000)
