"""Imports of a daemon that starts: libraries that only some settings need cost the others
nothing."""

import subprocess
import sys

ON_DEMAND = ("aiohttp", "jwt", "prometheus_client", "pywebpush", "textual")


def test_a_daemon_without_extras_imports_none_of_their_libraries() -> None:
    code = (
        "import sys, chatd.daemon.cli, chatd.daemon.run, chatd.daemon.default_node, "
        f"chatd.daemon.gateway_node; print([name for name in {ON_DEMAND!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
