import resource
from pathlib import Path

from chatd.daemon.settings.authentication import AuthenticationSection
from chatd.daemon.settings.section import Place
from chatd.gateway.doorkeeper import DoorSettings


def test_the_door() -> None:
    section = AuthenticationSection(
        handshake_timeout_ms=250, max_unauthenticated=7, max_failed_authentications=2
    )
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    door = section.door()
    assert door == DoorSettings(0.25, 7, 2, door.max_connections, door.operators_reserve)
    assert door.max_connections + door.operators_reserve < files, "chatd itself needs some"


def test_unauthenticated_connections_leave_half_of_the_descriptors() -> None:
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert AuthenticationSection(max_unauthenticated=10**6).door().max_unauthenticated == min(
        10**6, files // 2
    )


def test_the_tokens_are_in_the_data_folder_unless_named() -> None:
    place = Place("all", Path("/data"), Path("/run"))
    assert AuthenticationSection().tokens(place) == Path("/data/tokens.toml")
    assert AuthenticationSection(tokens_file=Path("/etc/tokens")).tokens(place) == Path("/etc/tokens")


def test_keys_need_an_issuer_and_an_audience() -> None:
    place = Place("all", Path("/data"), Path("/run"))
    bare = AuthenticationSection(jwt_keys_file=Path("/etc/keys"))
    assert [line.partition(":")[0] for line in bare.problems(place)] == ["JWT_ISSUER", "JWT_AUDIENCE"]
    whole = AuthenticationSection(jwt_keys_file=Path("/etc/keys"), jwt_issuer="i", jwt_audience="a")
    assert list(whole.problems(place)) == []
