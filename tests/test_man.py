"""Manual pages: they say what help says, and troff takes them without a warning."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from chatctl.app import COMMANDS


@pytest.fixture(scope="module", params=["chatctl", "chatd"])
def pages(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of a program, in a folder of its name."""
    folder = tmp_path_factory.mktemp("man") / str(request.param)
    run([sys.executable, "-m", str(request.param), "man", str(folder)])
    return folder


def run(command: list[str]) -> str:
    environment = {**os.environ, "COLUMNS": "80", "MANWIDTH": "80", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stderr == ""
    return done.stdout


def shown(page: Path) -> str:
    """The page as people see it, in one line, without the strokes of bold and italic."""
    text = run(["groff", "-k", "-ww", "-man", "-Tutf8", "-P-cbou", str(page)])
    return " ".join(text.split()).replace("\u2010", "-").replace("\u2212", "-")


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_each_page_is_taken_without_a_warning_and_says_what_help_says(pages: Path) -> None:
    program = pages.name
    for page in pages.iterdir():
        text = shown(page)
        assert re.search(r"\bNAME .+ SYNOPSIS .+ DESCRIPTION .+ SEE ALSO ", text), page.name
        assert "\\f" not in text
    words = ["room", "create"] if program == "chatctl" else ["keys", "trust"]
    help_text = run([sys.executable, "-m", program, *words, "--help"])
    options = re.findall(r"^  +(?:-\w, )?(--[\w-]+)", help_text, re.MULTILINE)
    description = " ".join(help_text.split("\n\n")[1].split())
    text = shown(pages / f"{program}-{words[0]}.1")
    assert len(options) >= 2
    assert [one for one in [*options, description] if one not in text] == []


def test_each_command_has_a_page(pages: Path) -> None:
    names = {page.stem for page in pages.iterdir()}
    if pages.name == "chatctl":
        assert names == {"chatctl", *(f"chatctl-{name}" for name in COMMANDS)}
    else:
        assert names >= {"chatd", "chatd-all", "chatd-default", "chatd-gateway", "chatd-keys", "chatd-token"}


def test_a_folder_that_cannot_be_made_is_an_error() -> None:
    for program in ("chatctl", "chatd"):
        done = subprocess.run(
            [sys.executable, "-m", program, "man", "/proc/none"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert re.fullmatch(rf"{program}: the pages cannot be written to /proc/none.*\n", done.stderr)
