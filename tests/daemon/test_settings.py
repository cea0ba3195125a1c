from pathlib import Path

import pytest

from chatd.daemon.configuration import load_settings, mask
from chatd.daemon.settings import Settings
from chatd.daemon.settings_table import describe
from chatd.errors import ConfigError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("STATE_DIRECTORY", "RUNTIME_DIRECTORY", "CHATD_CONFIG", *map(str.upper, Settings.model_fields)):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CHATD_DATA_DIR", str(tmp_path))
    return tmp_path


def config(folder: Path, text: str) -> Path:
    path = folder / "chatd.toml"
    path.write_text(text)
    return path


def test_environment_beats_file_beats_default(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings("all", None).ack_flush_ms == 50
    path = config(home, "ack_flush_ms = 20\nfanout_repair_seconds = 7\n")
    assert load_settings("all", path).ack_flush_ms == 20
    monkeypatch.setenv("ACK_FLUSH_MS", "30")
    settings = load_settings("all", path)
    assert (settings.ack_flush_ms, settings.fanout_repair_seconds) == (30, 7)


def test_the_file_may_be_named_by_the_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATD_CONFIG", str(config(home, "ack_flush_ms = 20\n")))
    assert load_settings("all", None).ack_flush_ms == 20


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("ack_flush = 1\n", "ack_flush"),
        ("ack_flush_ms = 0\n", "ACK_FLUSH_MS"),
        ("x = [", "chatd.toml"),
        ('cache_uri = "redis://x"\n', "CACHE_URI"),
    ],
)
def test_what_is_wrong_is_named(home: Path, text: str, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        load_settings("all", config(home, text))


def test_every_problem_has_a_line(home: Path) -> None:
    with pytest.raises(ConfigError) as problems:
        load_settings("all", config(home, 'ack_flush_ms = 0\nwindow_messages = "many"\nnothing = 1\n'))
    assert len(str(problems.value).splitlines()) == 3


def test_a_file_that_is_not_there(home: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        load_settings("all", home / "nowhere.toml")


def test_addresses_have_defaults_for_each_mode(home: Path) -> None:
    assert load_settings("all", None).queue_uris("all") == ("inproc://user.event.delivery",)
    assert load_settings("default", None).queue_uris("default") == (f"ipc://{home}/run/user.event.delivery",)
    assert load_settings("gateway", None).node_uris("gateway") == (f"ipc://{home}/run/default",)


@pytest.mark.parametrize(
    "uri", ["tcp://0.0.0.0:7400", "tcp://*:7400", "tcp://192.0.2.1:7400", "tcp://example.org:1", "tcp://127.0.0.1", "http://x"]
)
def test_nothing_listens_beyond_this_machine(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_URI", uri)
    with pytest.raises(ConfigError, match="GATEWAY_URI"):
        load_settings("all", None)


def test_mem_is_for_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUEUE_USER_EVENT_DELIVERY_URI", "mem://q")
    load_settings("all", None)
    with pytest.raises(ConfigError, match="mem://"):
        load_settings("gateway", None)


def test_only_gateways_have_several_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEFAULT_URI", "tcp://127.0.0.1:1,tcp://127.0.0.1:2")
    assert len(load_settings("gateway", None).node_uris("gateway")) == 2
    with pytest.raises(ConfigError, match="DEFAULT_URI"):
        load_settings("default", None)


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("HEARTBEAT_INTERVAL_MS", "5", "'5' is not allowed (from environment); allowed: 100 to 600,000 ms"),
        ("WINDOW_MESSAGES", "many", "'many' is not allowed (from environment); allowed: 1 to 65,536 deliveries"),
        ("LOG_LEVEL", "loud", "'loud' is not allowed (from environment); allowed: debug, info, warning, error"),
        ("NODE_ID", "a:b\x1b", "'a:b\\x1b' is not allowed (from environment); allowed: 1 to 64 of the characters A-Z a-z 0-9 . _ -"),
        ("DB_URI", "mysql://x", "must be sqlite:////path/of/file or postgresql://user:***@host/database"),
        ("DEFAULT_URI", "http://x", "'http://x' must begin with mem://, ipc:// or tcp://"),
        ("MAX_PAYLOAD_BYTES", "1048576", "1048576 must be less than MAX_FRAME_BYTES, 1048576"),
    ],
)
def test_a_problem_says_what_is_allowed(name: str, value: str, wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as problem:
        load_settings("all", None)
    assert str(problem.value) == f"{name}: {wanted}"


def test_a_problem_names_its_file(home: Path) -> None:
    path = config(home, "ack_flush_ms = 0\n")
    with pytest.raises(ConfigError) as problem:
        load_settings("all", path)
    assert str(problem.value) == f"ACK_FLUSH_MS: 0 is not allowed (from {path}); allowed: 1 to 10,000 ms"


def test_a_file_that_may_not_be_read(home: Path) -> None:
    with pytest.raises(ConfigError, match="directory"):
        load_settings("all", home)


def test_the_system_s_file_is_read_when_there_is_one(home: Path) -> None:
    path = config(home, "ack_flush_ms = 20\n")
    assert load_settings("all", None, system_config=path).ack_flush_ms == 20
    assert load_settings("all", None, system_config=home / "nowhere.toml").ack_flush_ms == 50


def test_empty_is_unset(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RUNTIME_DIR", "DB_URI", "NODE_ID", "ACK_FLUSH_MS"):
        monkeypatch.setenv(name, "")
    settings = load_settings("default", config(home, 'runtime_dir = ""\ntokens_file = ""\n'))
    assert (settings.ipc_dir(), settings.tokens(), settings.ack_flush_ms) == (home / "run", home / "tokens.toml", 50)


def test_words_may_be_shouted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "WARNING")
    assert load_settings("all", None).log_level == "warning"


def test_the_data_directory_has_two_names(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = config(home, 'data_dir = "/from/file"\n')
    monkeypatch.setenv("DATA_DIR", "/short")
    assert load_settings("all", path).data_dir == home
    monkeypatch.delenv("CHATD_DATA_DIR")
    assert load_settings("all", path).data_dir == Path("/short")
    monkeypatch.delenv("DATA_DIR")
    assert load_settings("all", path).data_dir == Path("/from/file")


def test_systemd_s_directories_are_used(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHATD_DATA_DIR")
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/chatd")
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/chatd")
    settings = load_settings("default", None)
    assert settings.database() == "sqlite:////var/lib/chatd/chatd.db"
    assert settings.node_uris("default") == ("ipc:///run/chatd/default",)


def test_a_socket_s_path_may_be_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_DIR", "/" + "x" * 90)
    load_settings("all", None)  # has no ipc sockets
    with pytest.raises(ConfigError, match="107 bytes"):
        load_settings("default", None)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings("all", None).ack_flush_ms = 1


def test_where_each_setting_came_from(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = config(home, "ack_flush_ms = 20\nfanout_repair_seconds = 7\n")
    monkeypatch.setenv("ACK_FLUSH_MS", "30")
    origins = {setting.name: setting.origin for setting in describe("all", load_settings("all", path))}
    wanted = ("environment", "environment", str(path), "default")
    assert tuple(origins[name] for name in ("DATA_DIR", "ACK_FLUSH_MS", "FANOUT_REPAIR_SECONDS", "DB_URI")) == wanted


def test_effective_settings_are_those_of_the_mode(home: Path) -> None:
    shown = {setting.name: setting.value for setting in describe("all", load_settings("all", None))}
    assert shown["QUEUE_USER_EVENT_DELIVERY_URI"] == "mem://user.event.delivery"
    assert shown["DB_URI"] == f"sqlite:///{home}/chatd.db"


@pytest.mark.parametrize(
    ("uri", "masked"),
    [
        ("postgresql://chatd:secret@localhost/chatd", "postgresql://chatd:***@localhost/chatd"),
        ("postgresql://chatd:sec@ret@localhost/chatd", "postgresql://chatd:***@localhost/chatd"),
        ("postgresql://:sec/ret?@localhost/chatd", "postgresql://:***@localhost/chatd"),
        ("postgresql:///chatd?host=/run&password=secret&sslpassword=secret", "postgresql:///chatd?host=/run&password=***&sslpassword=***"),
        ("postgresql://chatd@localhost:5432/chatd", "postgresql://chatd@localhost:5432/chatd"),
    ],
)
def test_passwords_are_masked(uri: str, masked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_URI", uri)
    shown = {setting.name: setting.value for setting in describe("all", load_settings("all", None))}
    assert shown["DB_URI"] == masked == mask(uri)


@pytest.mark.parametrize(
    "text", ['db_uri = ["postgresql://u:secret@h/d"]\n', 'db_uri = "mysql://u:secret@h/d"\n', 'gateway_uri = "tcp://u:secret@h"\n']
)
def test_problems_never_show_a_password(home: Path, text: str) -> None:
    with pytest.raises(ConfigError) as problem:
        load_settings("all", config(home, text))
    assert "secret" not in str(problem.value)
    assert problem.value.__cause__ is None
