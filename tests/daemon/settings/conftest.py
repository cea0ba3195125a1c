from pathlib import Path

import pytest

from chatd.daemon.settings.settings import SECTIONS


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    keys = [key.upper() for section in SECTIONS.values() for key in section.model_fields]
    for name in (
        "STATE_DIRECTORY",
        "RUNTIME_DIRECTORY",
        "CHATD_CONFIG",
        *keys,
        *(f"CHATD_{key}" for key in keys),
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CHATD_DATA_DIR", str(tmp_path))
    return tmp_path
