import pytest

from chatctl.recipient import Recipient, recipient


@pytest.mark.parametrize(
    ("text", "profile_id", "device_id"),
    [("bob", "bob", ""), ("bob/phone", "bob", "phone"), ("b/ob:phone/2", "b/ob", "phone/2")],
)
def test_a_recipient_is_a_profile_and_perhaps_a_device(text: str, profile_id: str, device_id: str) -> None:
    assert recipient(text) == Recipient(profile_id, device_id)
