import pytest

from chatd.errors import ConfigError
from chatd.store.database import Database
from chatd.store.uri import uri_fault


@pytest.mark.parametrize(
    "uri",
    [
        "sqlite:////var/lib/chatd.db",
        "postgresql:///chatd?host=/run/postgresql&password=a%26b",
        "postgresql://u:p%40%2F%25@localhost:5432/chatd",
        "postgres://u@h1:5432,h2:5433/chatd?target_session_attrs=read-write&sslmode=verify-full",
        "postgresql://u:p@[::1]/chatd",
    ],
)
def test_addresses(uri: str) -> None:
    assert uri_fault(uri) == ""


@pytest.mark.parametrize(
    "password", ["c4%nary", "c4/nary", "c4@nary", "c4%00nary", "c4/nary@c4nary", "c4:nary/@"]
)
def test_a_password_that_is_not_encoded_is_refused_and_not_quoted(password: str) -> None:
    """Each was quoted in part: by libpq, which takes what follows for a host, a port or a
    database."""
    for uri in (
        f"postgresql://u:{password}@127.0.0.1/chatd",
        f"postgresql://127.0.0.1/chatd?x={password}&password=c4=nary",
    ):
        with pytest.raises(ConfigError, match="percent-encode") as refused:
            Database(uri).check()
        assert "c4" not in str(refused.value)
        assert "nary" not in str(refused.value)


@pytest.mark.parametrize(
    "uri", ["", "u:c4nary@host/chatd", "mysql://u:c4nary@host/chatd", "sqlite:///", "postgresql:chatd"]
)
def test_other_addresses(uri: str) -> None:
    fault = uri_fault(uri)
    assert "must be sqlite:" in fault
    assert "c4nary" not in fault
