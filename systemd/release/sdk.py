"""Makes the distribution chatd-client: the Python SDK without the daemon, from the same tree.

    python -m systemd.release.sdk build/sdk

What ``chatd.client`` imports is found in the code, so the distribution holds that and no more. Its
versions are chatd's, and so are the requirements that it has left.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import grimp

from chatd import __version__
from systemd.release.lock import ROOT, requirements

REQUIRED = ("protobuf", "pynacl", "pyzmq", "zstandard")
_PROJECT = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "chatd-client"
version = "{version}"
description = "The Python SDK of chatd, a chat delivery daemon"
readme = "README.md"
license = "Apache-2.0"
license-files = ["LICENSE"]
requires-python = ">=3.11"
dependencies = [{dependencies}]

[tool.setuptools.packages.find]
include = ["chatd*"]

[tool.setuptools.package-data]
"*" = ["*.pyi", "py.typed"]
"""


def modules() -> set[Path]:
    """The files that the SDK is made of, the types of the protocol's messages among them."""
    graph = grimp.build_graph("chatd", cache_dir=None)
    found = {"chatd", *graph.find_upstream_modules("chatd.client", as_package=True)}
    found |= {name for name in graph.modules if name.startswith("chatd.client")}
    above = {".".join(name.split(".")[:depth]) for name in found for depth in range(1, name.count(".") + 1)}
    files = {_file(name) for name in found | above}
    return files | {path.with_suffix(".pyi") for path in files if path.name.endswith("_pb2.py")}


def _file(module: str) -> Path:
    path = ROOT / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def make_tree(folder: Path) -> None:
    """Lay the distribution's source out in a folder."""
    for path in modules() | {ROOT / "chatd" / "py.typed"}:
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    kept = [line for line in requirements()["base"] if re.split("[<>=]", line)[0] in REQUIRED]
    dependencies = ", ".join(f'"{line}"' for line in kept)
    (folder / "pyproject.toml").write_text(_PROJECT.format(version=__version__, dependencies=dependencies))
    page = (ROOT / "chatd/client/README.md").read_text()
    (folder / "README.md").write_text(re.sub(r"\[([^]]+)\]\(\.\./[^)]*\)", r"\1", page))
    shutil.copy(ROOT / "LICENSE", folder)


def main() -> None:
    made = Path(sys.argv[1]).absolute()
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        make_tree(Path(folder))
        build = f"from setuptools import build_meta as b; b.build_sdist({str(made)!r}); b.build_wheel({str(made)!r})"
        subprocess.run([sys.executable, "-c", build], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    for path in sorted(made.iterdir()):
        print(path)


if __name__ == "__main__":
    main()
