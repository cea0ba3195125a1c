"""make proto-dist: what writers of clients take with them."""

import posixpath
import re
import subprocess
import sys
import tarfile
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet

ROOT = Path(__file__).parents[2]


def make() -> Path:
    installed = f"{sys.prefix}/installed-dev"
    command = ["make", "-s", "proto-dist", f"VENV={sys.prefix}", "-o", installed]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return ROOT / done.stdout.strip()


def test_the_tarball_has_the_pages_the_files_and_their_descriptors_and_is_the_same_each_time() -> None:
    first = make().read_bytes()
    made = make()
    assert made.read_bytes() == first
    with tarfile.open(made) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
        held = {
            name: tar.extractfile(f"{made.name.removesuffix('.tar.gz')}/{name}") for name in names if name
        }
        contents = {name: file.read() for name, file in held.items() if file is not None}
    descriptors = FileDescriptorSet.FromString(contents["chatd.binpb"])
    for page in (name for name in names if name.endswith(".md")):
        for link in re.findall(rb"\]\(([^)#:]+)\)", contents[page]):
            assert posixpath.normpath(posixpath.join(posixpath.dirname(page), link.decode())) in names, page
    assert {
        "LICENSE",
        "PROTOCOL.md",
        "vectors.txt",
        "gateway/v1/gateway.proto",
        "examples/c/client.c",
    } <= names
    assert not {name for name in names if "__pycache__" in name or name.endswith("baseline.binpb")}
    files = {file.name: file for file in descriptors.file}
    assert "google/protobuf/struct.proto" in files
    for name, file in files.items():
        if not name.startswith("google/"):
            assert (
                file.options.go_package
                == f"chatd/{file.package.replace('.', '/')};{file.package.replace('.', '')}"
            )
            assert (file.options.java_package, file.options.java_multiple_files) == (
                f"chatd.{file.package}",
                True,
            )
            assert file.options.csharp_namespace.lower() == f"chatd.{file.package}"
            assert file.options.objc_class_prefix.startswith("CHD")
