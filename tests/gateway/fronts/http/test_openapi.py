"""/openapi.json, and that what it says is so: schemathesis makes requests of it."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from chatd.pb.chat.v1 import chat_pb2 as chat
from tests.gateway.fronts.http.serving import Caller, HttpDaemon
from tests.protocol.limited import token_of

SERVICE = chat.DESCRIPTOR.services_by_name["ChatService"]
EXAMPLES = 4
"""Requests of each kind and operation."""
LIMITS = (
    "PROFILE_EVENTS_PER_SECOND",
    "PROFILE_BYTES_PER_SECOND",
    "ADDRESS_EVENTS_PER_SECOND",
    "ADDRESS_BYTES_PER_SECOND",
    "MAX_EVENTS_PER_SECOND",
    "MAX_BYTES_PER_SECOND",
)


@pytest.fixture(scope="module")
def free(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpDaemon]:
    """A daemon without limits of rates."""
    with HttpDaemon(tmp_path_factory.mktemp("free"), dict.fromkeys(LIMITS, 0)) as running:
        yield running


async def test_anybody_may_read_it(free: HttpDaemon) -> None:
    async with Caller(free.url) as nobody:
        answer = await nobody.get("/openapi.json")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    paths = answer.json["paths"]
    assert answer.json["openapi"] == "3.1.0"
    assert {f"/chat.v1.ChatService/{method.name}" for method in SERVICE.methods} <= paths.keys()
    assert "seq" in answer.json["components"]["schemas"]["EventLink"]["required"]
    about = paths["/chat.v1.ChatService/SendEvents"]["post"]["description"]
    assert about.startswith("Stores events and answers when they are committed and fsynced.")


@pytest.mark.parametrize("good", [True, False])
def test_the_front_does_what_it_says(free: HttpDaemon, good: bool) -> None:
    import requests
    import schemathesis  # takes a second
    from schemathesis.core.result import Ok
    from schemathesis.specs.openapi import checks

    schema = schemathesis.openapi.from_url(f"{free.url}/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) == len(SERVICE.methods) + 4
    mode = schemathesis.GenerationMode.POSITIVE if good else schemathesis.GenerationMode.NEGATIVE
    headers = {"Authorization": f"Bearer {token_of('ann')}"}
    # A schema does not say all that is refused; protobuf takes null, and numbers as strings.
    unsaid: list[schemathesis.CheckFunction] = [
        checks.positive_data_acceptance,
        checks.negative_data_rejection,
    ]

    def ask(case: schemathesis.Case[Any]) -> None:
        case.headers.pop("Chatd-Profile", None)
        case.call_and_validate(headers=headers, session=session, excluded_checks=unsaid)

    bounded = settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    with requests.Session() as session:
        for operation in operations:
            bounded(given(case=operation.as_strategy(generation_mode=mode))(ask))()
