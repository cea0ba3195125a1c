from chatd.daemon.settings.retention import RetentionSection
from chatd.default.retention.retention import RetentionRule


def test_the_rule() -> None:
    section = RetentionSection(
        retention_days=1,
        retention_events=2,
        backlog_days=3,
        backlog_events=4,
        device_expiry_days=5,
        audit_retention_days=6,
        proposal_expiry_days=7,
    )
    assert section.rule() == RetentionRule(
        keep_days=1,
        keep_events=2,
        backlog_days=3,
        backlog_events=4,
        expiry_days=5,
        audit_days=6,
        proposal_days=7,
    )
