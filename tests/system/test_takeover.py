"""One device at two gateways: the newest Hello wins, wherever it was said."""

from pathlib import Path

from tests.protocol.conversation import Conversation, texts
from tests.system.deployment import Deployment


def test_the_older_stream_is_told_on_another_gateway(db_uri: str, tmp_path: Path) -> None:
    with Deployment(tmp_path, db_uri, defaults=1, gateways=2, REPAIR_PULL_SECONDS=3600) as deployment:
        token = deployment.token
        with (
            Conversation(deployment.uri(0), token, "alice") as alice,
            Conversation(deployment.uri(0), token, "bob") as old,
            Conversation(deployment.uri(1), token, "bob") as new,
        ):
            alice.create_room("r", "bob")
            first = old.open("d")
            old.hear_kind("caught_up")
            assert new.open("d").epoch == first.epoch + 1
            assert old.hear_kind("closed").error.code == 600
            new.hear_kind("caught_up")
            alice.send_texts("r", "hello")
            assert texts(new.deliveries(1)) == ["hello"]
            old.hear_nothing(0.2)
