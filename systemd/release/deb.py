"""Makes a Debian package of what `make install DESTDIR=…` has put into a folder.

    python -m systemd.release.deb build/deb build

The package holds chatd's virtual environment, with the packages that are locked; the interpreter is
Debian's. dpkg-shlibdeps names the libraries that the compiled ones need.
"""

import gzip
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from email.utils import formatdate
from pathlib import Path

from chatd import __version__

SCRIPTS = Path(__file__).parent / "debian"
MAINTAINER = "chatd <root@localhost>"
CONFFILES = ("/etc/chatd/chatd.toml",)


def package(root: Path, folder: Path) -> Path:
    """The file. ``root`` becomes what is packed: it gets the folder DEBIAN."""
    architecture = subprocess.run(
        ["dpkg", "--print-architecture"], check=True, capture_output=True, text=True
    ).stdout.strip()
    documents = root / "usr/share/doc/chatd"
    _compress(root, documents)
    control = root / "DEBIAN"
    shutil.rmtree(control, ignore_errors=True)
    control.mkdir()
    packed = sorted(path for path in root.rglob("*") if path.is_file() and control not in path.parents)
    size = sum(path.stat().st_size for path in packed if not path.is_symlink())
    (control / "control").write_text(
        f"""\
Package: chatd
Version: {__version__}-1
Architecture: {architecture}
Maintainer: {MAINTAINER}
Installed-Size: {-(-size // 1024)}
Depends: {", ".join((*_python(root), "systemd | systemd-sysusers", "init-system-helpers", *_libraries(root)))}
Suggests: postgresql, redis-server
Section: net
Priority: optional
Description: chat delivery daemon
 chatd takes chat events, stores them, and streams them to every device of
 every subscriber: in order, at least once, across crashes and reconnects.
 chatctl is its command line.
"""
    )
    (control / "conffiles").write_text("".join(f"{name}\n" for name in CONFFILES))
    (control / "md5sums").write_text(
        "".join(
            f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(root)}\n"
            for path in packed
            if not path.is_symlink() and f"/{path.relative_to(root)}" not in CONFFILES
        )
    )
    for script in ("postinst", "prerm", "postrm"):
        shutil.copy(SCRIPTS / script, control / script)
        (control / script).chmod(0o755)
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / f"chatd_{__version__}-1_{architecture}.deb"
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Zzstd", "--build", str(root), str(made)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return made


def _compress(root: Path, documents: Path) -> None:
    """The manual and the changelog are compressed, and the licence stands where Debian has it."""
    for page in (root / "usr/share/man").rglob("*.1"):
        page.with_name(f"{page.name}.gz").write_bytes(gzip.compress(page.read_bytes(), 9, mtime=0))
        page.unlink()
    (documents / "LICENSE").unlink(missing_ok=True)
    shutil.copy(SCRIPTS / "copyright", documents / "copyright")
    changes = (
        f"chatd ({__version__}-1) unstable; urgency=medium\n\n"
        f"  * CHANGELOG.md says what has changed.\n\n"
        f" -- {MAINTAINER}  {formatdate(0)}\n"
    )
    (documents / "changelog.Debian.gz").write_bytes(gzip.compress(changes.encode(), 9, mtime=0))


def _python(root: Path) -> tuple[str, str]:
    """The environment is made for one minor version."""
    (name,) = (path.name for path in (root / "usr/lib/chatd/lib").glob("python3.*"))
    major, minor = map(int, re.findall(r"\d+", name))
    return f"python3 (>= {major}.{minor})", f"python3 (<< {major}.{minor + 1})"


def _libraries(root: Path) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "debian").mkdir()
        (Path(folder) / "debian/control").write_text("Source: chatd\n\nPackage: chatd\nArchitecture: any\n")
        compiled = [str(path.absolute()) for path in root.rglob("*.so*") if path.is_file()]
        found = subprocess.run(
            ["dpkg-shlibdeps", "-O", "--ignore-missing-info", "--warnings=0", *compiled],
            cwd=folder,
            check=True,
            capture_output=True,
            text=True,
        )
    named = re.search(r"shlibs:Depends=(.*)", found.stdout)
    return named[1].split(", ") if named else []


def main() -> None:
    print(package(Path(sys.argv[1]), Path(sys.argv[2])))


if __name__ == "__main__":
    main()
