import pwd
from pathlib import Path

import pytest
import typer

from chatctl.token_file import data_folders, own_token
from chatd.daemon.settings import Settings
from chatd.daemon.settings.listing import describe
from chatd.daemon.settings.sources import load_settings
from chatd.errors import ChatdError, ConfigError, StartFailed


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (
        "STATE_DIRECTORY",
        "RUNTIME_DIRECTORY",
        "CHATD_CONFIG",
        *map(str.upper, Settings.model_fields),
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CHATD_DATA_DIR", str(tmp_path))
    return tmp_path


def config(folder: Path, text: str) -> Path:
    path = folder / "chatd.toml"
    path.write_text(text)
    return path


def test_environment_beats_file_beats_default(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings("all", None).streams.ack_flush_ms == 1_000
    path = config(home, "ack_flush_ms = 20\nfanout_repair_seconds = 7\n")
    assert load_settings("all", path).streams.ack_flush_ms == 20
    monkeypatch.setenv("ACK_FLUSH_MS", "30")
    settings = load_settings("all", path)
    assert (settings.streams.ack_flush_ms, settings.fan_out.fanout_repair_seconds) == (30, 7)


def test_the_file_may_be_named_by_the_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATD_CONFIG", str(config(home, "ack_flush_ms = 20\n")))
    assert load_settings("all", None).streams.ack_flush_ms == 20


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
    with pytest.raises(StartFailed, match="No such file"):
        load_settings("all", home / "nowhere.toml")


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("HEARTBEAT_INTERVAL_MS", "5", "'5' is not allowed (from environment); allowed: 100 to 600,000 ms"),
        (
            "WINDOW_MESSAGES",
            "many",
            "'many' is not allowed (from environment); allowed: 1 to 65,536 deliveries",
        ),
        (
            "LOG_LEVEL",
            "loud",
            "'loud' is not allowed (from environment); allowed: debug, info, warning, error",
        ),
        ("HTTP_PAGE", "maybe", "'maybe' is not allowed (from environment); allowed: true, false"),
        (
            "NODE_ID",
            "a:b\x1b",
            "'a:b\\x1b' is not allowed (from environment); allowed: 1 to 64 of the characters A-Z a-z 0-9 . _ -",
        ),
        (
            "DB_URI",
            "mysql://x",
            "must be sqlite:////path/of/file or postgresql://user:***@host/database (from environment)",
        ),
        ("DEFAULT_URI", "http://x", "'http://x' must begin with mem://, ipc:// or tcp:// (from environment)"),
        (
            "MAX_PAYLOAD_BYTES",
            "1048576",
            "1048576 must be less than MAX_FRAME_BYTES, 1048576 (from environment)",
        ),
    ],
)
def test_a_problem_says_what_is_allowed(
    name: str, value: str, wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as problem:
        load_settings("all", None)
    assert str(problem.value) == f"{name}: {wanted}"


def test_a_problem_of_a_section_names_its_place(home: Path) -> None:
    path = config(home, "max_payload_bytes = 1048576\n")
    with pytest.raises(ConfigError, match=rf"MAX_PAYLOAD_BYTES: .* \(from {path}\)$"):
        load_settings("all", path)


def test_a_problem_of_the_data_directory_has_its_name(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHATD_DATA_DIR")
    path = config(home, "data_dir = 5\n")
    with pytest.raises(ConfigError) as problem:
        load_settings("all", path)
    assert str(problem.value) == f"DATA_DIR: 5 is not allowed (from {path}); allowed: a path"


@pytest.mark.parametrize("key", ["mode", "origins", "node", "extra"])
def test_a_file_has_settings_and_nothing_else(home: Path, key: str) -> None:
    """The names that the program gives to its sections are no keys."""
    with pytest.raises(ConfigError) as problem:
        load_settings("all", config(home, f"{key} = 1\n"))
    assert (
        str(problem.value)
        == f"'{key}': there is no such setting (from {home}/chatd.toml); chatd settings lists them"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "Ack_Flush = 1\n",
            "'Ack_Flush': there is no such setting (from {path}); did you mean ack_flush_ms?",
        ),
        ("[store]\ndb_uri = 'x'\n", "'store': a file of settings has no sections (from {path})"),
        (
            "CHATD_NOD_ID = 1\n",
            "'CHATD_NOD_ID': there is no such setting (from {path}); did you mean node_id?",
        ),
    ],
)
def test_a_key_that_is_none_is_shown_as_it_is_written(home: Path, text: str, said: str) -> None:
    path = config(home, text)
    with pytest.raises(ConfigError) as problem:
        load_settings("all", path)
    assert str(problem.value) == said.format(path=path)


def test_a_problem_names_its_file(home: Path) -> None:
    path = config(home, "ack_flush_ms = 0\n")
    with pytest.raises(ConfigError) as problem:
        load_settings("all", path)
    assert str(problem.value) == f"ACK_FLUSH_MS: 0 is not allowed (from {path}); allowed: 1 to 10,000 ms"


def test_true_is_no_number(home: Path) -> None:
    path = config(home, "max_members_per_room = true\nhttp_page = true\n")
    with pytest.raises(ConfigError) as problem:
        load_settings("all", path)
    assert str(problem.value) == (
        f"MAX_MEMBERS_PER_ROOM: true is not allowed (from {path}); allowed: 0 to 10,000,000 members"
    )


def test_a_file_that_may_not_be_read(home: Path) -> None:
    with pytest.raises(ConfigError, match="directory"):
        load_settings("all", home)


def test_the_system_s_file_is_read_when_there_is_one(home: Path) -> None:
    path = config(home, "ack_flush_ms = 20\n")
    assert load_settings("all", None, system_config=path).streams.ack_flush_ms == 20
    assert load_settings("all", None, system_config=home / "nowhere.toml").streams.ack_flush_ms == 1_000


def test_empty_is_unset(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RUNTIME_DIR", "DB_URI", "NODE_ID", "ACK_FLUSH_MS"):
        monkeypatch.setenv(name, "")
    settings = load_settings(
        "default", config(home, 'runtime_dir = ""\ntokens_file = ""\nwindow_bytes = ""\n')
    )
    assert settings.place.ipc_dir == home / "run"
    assert settings.authentication.tokens(settings.place) == home / "tokens.toml"
    assert settings.streams.ack_flush_ms == 1_000


def test_words_may_be_shouted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "WARNING")
    assert load_settings("all", None).logs.log_level == "warning"


def test_the_data_directory_has_two_names(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = config(home, 'data_dir = "/from/file"\n')
    monkeypatch.setenv("DATA_DIR", "/short")
    assert load_settings("all", path).node.data_dir == home
    monkeypatch.delenv("CHATD_DATA_DIR")
    assert load_settings("all", path).node.data_dir == Path("/short")
    monkeypatch.delenv("DATA_DIR")
    assert load_settings("all", path).node.data_dir == Path("/from/file")


def test_systemd_s_directories_are_used(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHATD_DATA_DIR")
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/chatd")
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/chatd")
    settings = load_settings("default", None)
    assert settings.store.database(settings.place) == "sqlite:////var/lib/chatd/chatd.db"
    assert settings.calls.uris(settings.place) == ("ipc:///run/chatd/default",)


@pytest.mark.parametrize(
    "text",
    [
        'db_uri = ["postgresql://u:secret@127.0.0.1/d"]\n',
        'db_uri = "mysql://u:secret@127.0.0.1/d"\n',
        'gateway_uri = "tcp://u:secret@h"\n',
    ],
)
def test_problems_never_show_a_password(home: Path, text: str) -> None:
    with pytest.raises(ConfigError) as problem:
        load_settings("all", config(home, text))
    assert "secret" not in str(problem.value)
    assert problem.value.__cause__ is None


def test_an_editor_s_byte_order_mark_is_none_of_the_file(home: Path) -> None:
    path = home / "chatd.toml"
    path.write_bytes(b"\xef\xbb\xbfack_flush_ms = 20\n")
    assert load_settings("all", path).streams.ack_flush_ms == 20


def test_names_in_a_file_may_be_shouted_too(home: Path) -> None:
    """They were refused, or shown as "default"."""
    path = config(home, 'ACK_FLUSH_MS = 20\nCHATD_NODE_ID = "n"\nDATA_DIR = "/from/file"\n')
    settings = load_settings("all", path)
    shown = {setting.name: (setting.value, setting.origin) for setting in describe(settings)}
    assert shown["ACK_FLUSH_MS"] == ("20", str(path))
    assert shown["NODE_ID"] == ("n", str(path))
    with pytest.raises(ConfigError, match=r"^ACK_FLUSH_MS: it is in .* twice"):
        load_settings("all", config(home, "ACK_FLUSH_MS = 20\nack_flush_ms = 20\n"))


@pytest.mark.parametrize("key", ["data_dir", "runtime_dir", "tokens_file", "notify_exec", "notify_vapid_key"])
def test_a_tilde_is_the_home_directory(home: Path, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHATD_DATA_DIR")
    monkeypatch.setenv("HOME", "/home/someone")
    shown = {
        setting.name: setting.value
        for setting in describe(load_settings("all", config(home, f'{key} = "~/chatd"\n')))
    }
    assert shown[key.upper()] == "/home/someone/chatd"
    with pytest.raises(ConfigError, match=f"^{key.upper()}: .* is not allowed"):
        load_settings("all", config(home, f'{key} = "~nobody-of-that-name/chatd"\n'))


@pytest.mark.parametrize(
    ("key", "value"),
    [("db_uri", "sqlite:///~/chatd.db"), ("gateway_uri", "ipc://~/chatd"), ("default_uri", "ipc://~/d")],
)
def test_an_address_has_no_tilde(home: Path, key: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^{key.upper()}: .*begins with ~"):
        load_settings("all", config(home, f'{key} = "{value}"\n'))


def test_a_user_without_a_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_user(uid: int) -> None:
        raise KeyError(uid)

    for name in ("HOME", "CHATD_DATA_DIR", "XDG_DATA_HOME", "STATE_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", no_user)
    with pytest.raises(ConfigError, match=r"^DATA_DIR: user .* has no home directory; DATA_DIR must be set$"):
        load_settings("all", config(home, ""))
    with pytest.raises(typer.BadParameter, match="data directory is not found at /var/lib/chatd;"):
        own_token()


@pytest.mark.parametrize("name", ["DATA_DIR", "CHATD_DATA_DIR"])
def test_chatctl_looks_where_chatd_does(home: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHATD_DATA_DIR")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv(name, "~/data")
    settings = load_settings("all", None)
    assert data_folders() == [settings.place.data_dir] == [home / "data"]


def test_chatctl_finds_what_the_file_of_settings_names(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHATD_DATA_DIR")
    monkeypatch.setenv("STATE_DIRECTORY", "/state")
    monkeypatch.setenv("HOME", str(home))
    path = home / "chatd.toml"
    monkeypatch.setenv("CHATD_CONFIG", str(path))
    path.write_bytes(b'\xef\xbb\xbfDATA_DIR = "~/data"\n')
    assert data_folders() == [load_settings("all", None).place.data_dir] == [home / "data"]
    path.write_text('tokens_file = "~/ops.toml"\n')
    (home / "ops.toml").write_text('[tokens.t]\nprofile = "root"\nrole = "operator"\n')
    settings = load_settings("all", None)
    assert (settings.authentication.tokens(settings.place), own_token()) == (home / "ops.toml", "t")
    path.write_text("neither = [")
    assert data_folders() == [Path("/state")], "chatd says what is wrong with it, chatctl does without"


def test_secrets_from_files(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment beats the credentials, which beat the file of settings; a file has no line
    end of its own."""
    for name in ("in_toml", "in_environment"):
        (home / name).write_text(f"postgresql://{name}@127.0.0.1/d\n")
    credentials = home / "credentials"
    credentials.mkdir()
    path = config(home, f'db_uri_file = "{home}/in_toml"\n')
    assert load_settings("all", path).store.db_uri == "postgresql://in_toml@127.0.0.1/d"
    assert load_settings("all", path).origins["db_uri"] == f"{home}/in_toml"
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    assert load_settings("all", path).store.db_uri == "postgresql://in_toml@127.0.0.1/d", (
        "it has no such credential"
    )
    (credentials / "db_uri").write_text("postgresql://credential@127.0.0.1/d\r\n")
    assert load_settings("all", path).store.db_uri == "postgresql://credential@127.0.0.1/d"
    monkeypatch.setenv("DB_URI_FILE", f"{home}/in_environment")
    settings = load_settings("all", path)
    assert settings.store.db_uri == "postgresql://in_environment@127.0.0.1/d"
    assert settings.origins["db_uri"] == f"{home}/in_environment"
    monkeypatch.delenv("DB_URI_FILE")
    monkeypatch.setenv("DB_URI", "postgresql://itself@127.0.0.1/d")
    assert load_settings("all", path).store.db_uri == "postgresql://itself@127.0.0.1/d"


def test_files_that_systemd_passes(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are read where they are: a key is read again, and not copied."""
    (home / "tokens_file").write_text("")
    (home / "key_file").write_text("")
    path = config(home, 'tokens_file = "/elsewhere"\n')
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(home))
    settings = load_settings("all", path)
    assert (settings.authentication.tokens_file, settings.node.key_file) == (
        home / "tokens_file",
        home / "key_file",
    )
    assert settings.origins["key_file"] == f"{home}/key_file"
    monkeypatch.setenv("TOKENS_FILE", "/nearer")
    assert load_settings("all", path).authentication.tokens_file == Path("/nearer")


@pytest.mark.parametrize(
    ("text", "environment", "why"),
    [
        ("", {"DB_URI": "a", "DB_URI_FILE": "b"}, "DB_URI is in the environment too"),
        ('db_uri = "a"\ndb_uri_file = "b"\n', {}, "too"),
        ("db_uri_file = 7\n", {}, "must name a file"),
        ("", {"DB_URI_FILE": "{home}/latin"}, "not UTF-8"),
        ("", {"DB_URI_FILE": "{home}/large"}, "more than 65,536 bytes"),
        ("", {"DB_URI_FILE": "{home}/none"}, "No such file"),
        ("", {"NODE_ID_FILE": "x"}, ""),
        ('node_id_file = "x"\n', {}, "no such setting"),
    ],
)
def test_files_of_secrets_that_are_wrong(
    home: Path, monkeypatch: pytest.MonkeyPatch, text: str, environment: dict[str, str], why: str
) -> None:
    (home / "latin").write_bytes(b"postgresql://u:c4n\xe4ry@127.0.0.1/d")
    (home / "large").write_text("c4nary" * 20_000)
    for name, value in environment.items():
        monkeypatch.setenv(name, value.format(home=home))
    if not why:
        load_settings("all", config(home, text))  # no secret: some other program's variable
        return
    with pytest.raises(ChatdError, match=why) as refused:
        load_settings("all", config(home, text))
    assert "c4n" not in refused.value.explained
