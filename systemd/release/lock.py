"""The lock: each dependency's version and hashes, in files for pip.

``base.txt`` is what chatd itself needs, ``build.txt`` what builds it, and each extra has a file of
what it adds. ``pip install --require-hashes -r base.txt -r jwt.txt`` takes those and no others. The
versions are one set, for every Python that chatd runs on. No file names an address.

    python -m systemd.release.lock          say if the lock is stale; needs no network
    python -m systemd.release.lock --renew  resolve anew; versions that still fit are kept
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from hashlib import sha256
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "systemd" / "release" / "lock"
_RESOLVE = (
    *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes"),
    *("--no-emit-index-url", "--no-emit-find-links", "--no-header", "--no-annotate"),
)
_PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==[^\n]*(?:\n {4}--hash=[^\n]*)+", re.MULTILINE)
_HEADER = "# Made by `make lock` of pyproject.toml with {digest}\n"


def requirements() -> dict[str, list[str]]:
    """Name of each file without its ending → the requirements in pyproject.toml."""
    project = _document()["project"]
    return {
        "base": project["dependencies"],
        "build": _document()["build-system"]["requires"],
        **project["optional-dependencies"],
    }


def _document() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def digest() -> str:
    """The requirements and the Pythons that a lock is made for."""
    made_of = [_document()["project"]["requires-python"], requirements()]
    return sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()


def faults() -> list[str]:
    """A line for each file that does not go with pyproject.toml."""
    wanted = {f"{name}.txt" for name in requirements()}
    there = {path.name for path in FOLDER.glob("*.txt")}
    found = [f"there is no {name}" for name in sorted(wanted - there)]
    found += [f"{name} is no extra's" for name in sorted(there - wanted)]
    header = _HEADER.format(digest=digest())
    for name in sorted(wanted & there):
        text = (FOLDER / name).read_text()
        if not text.startswith(header):
            found.append(f"{name} was made of other requirements")
        if "://" in text or re.search(r"^-", text, re.MULTILINE):
            found.append(f"{name} holds an address or an option")
        if re.sub(_PIN, "", text[len(header) :]).strip():
            found.append(f"{name} holds a line that pins nothing")
    return found


def renew() -> None:
    """Write the files."""
    wanted = requirements()
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        everything, constraints = Path(folder, "all.in"), Path(folder, "all.txt")
        everything.write_text("\n".join(line for lines in wanted.values() for line in lines))
        # A version that is pinned now is kept where it fits.
        constraints.write_text("".join(path.read_text() for path in sorted(FOLDER.glob("*.txt"))))
        _resolve(everything, constraints)
        base = set(_pins(wanted["base"], constraints))
        for name, lines in wanted.items():
            with_base = lines if name in ("base", "build") else [*wanted["base"], *lines]
            pins = _pins(with_base, constraints)
            added = [text for package, text in sorted(pins.items()) if name == "base" or package not in base]
            (FOLDER / f"{name}.txt").write_text(
                _HEADER.format(digest=digest()) + "".join(f"{text}\n" for text in added)
            )
    for path in FOLDER.glob("*.txt"):
        if path.stem not in wanted:
            path.unlink()


def _pins(lines: list[str], constraints: Path) -> dict[str, str]:
    """Package → its pin, of what these requirements bring."""
    with tempfile.TemporaryDirectory() as folder:
        asked, pinned = Path(folder, "asked.in"), Path(folder, "pinned.txt")
        asked.write_text("\n".join(lines))
        _resolve(asked, pinned, "--constraint", str(constraints))
        text = pinned.read_text()
    found: dict[str, str] = {}
    for pin in _PIN.finditer(text):  # one package may have several, for other Pythons
        found[pin[1]] = "\n".join(filter(None, (found.get(pin[1]), pin[0])))
    return found


def _resolve(asked: Path, pinned: Path, *options: str) -> None:
    oldest = _document()["project"]["requires-python"].removeprefix(">=")
    subprocess.run(
        [*_RESOLVE, "--python-version", oldest, *options, str(asked), "-o", str(pinned)], check=True
    )


def main() -> int:
    """The exit code: 1 if the lock is stale."""
    parser = argparse.ArgumentParser(prog="python -m systemd.release.lock")
    parser.add_argument("--renew", action="store_true")
    if parser.parse_args().renew:
        renew()
    found = faults()
    for line in found:
        print(f"systemd/release/lock: {line}: make lock", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
