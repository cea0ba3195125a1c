"""A process tells of its machine."""

import os
import socket
import time
from pathlib import Path

from chatd.files.certificate import expires_us
from chatd.pb.admin.v1 import admin_pb2 as admin
from chatd.store.database import Database
from tests.certificates import Authority
from tests.daemons import Daemon, free_port, operator_token
from tests.protocol.conversation import Conversation


def test_all_processes_are_inspected(tmp_path: Path) -> None:
    cert, key = Authority(tmp_path, "authority").issue("server", "localhost")
    https = {
        "HTTP_URI": f"https://127.0.0.1:{free_port()}",
        "HTTP_TLS_CERT_FILE": cert,
        "HTTP_TLS_KEY_FILE": key,
    }
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        watched = {"NOTIFY_SOCKET": tmp_path / "notify", "WATCHDOG_USEC": 60_000_000}
        with (
            Daemon("default", tmp_path / "d", watched) as node,
            Daemon("gateway", tmp_path / "d", https) as gateway,
        ):
            (tmp_path / "d" / "tokens.toml").chmod(0o640)
            (tmp_path / "d").chmod(0o755)
            tmp_path.chmod(0o755)
            with Conversation(gateway.uri, operator_token(node.folder)) as operator:
                reply = operator.request("AdminService/InspectProcesses", admin.InspectProcessesRequest())
                done = admin.InspectProcessesResponse.FromString(reply.payload)
                found = {one.kind: one for one in done.processes}
                assert sorted(found) == ["default", "gateway"]
                for one in found.values():
                    assert abs(one.now_us - time.time() * 1e6) < 30_000_000
                    assert 5 < one.open_files < one.max_files
                    assert "data" in {disk.holds for disk in one.disks}
                    assert all(0 < disk.free_bytes <= disk.total_bytes for disk in one.disks)
                assert "the database" in {disk.holds for disk in found["default"].disks}
                assert (found["default"].supervised, found["default"].watched) == (True, True)
                assert (found["gateway"].supervised, found["gateway"].watched) == (False, False)
                assert found["gateway"].certificate_expires_us == expires_us(cert)
                assert found["gateway"].certificate_expires_us > time.time() * 1e6
                if all(os.stat(one).st_mode & 0o001 for one in tmp_path.parents):
                    assert any("tokens.toml" in sentence for sentence in found["gateway"].exposed)
    assert expires_us(key) == expires_us(tmp_path / "none") == 0


def test_a_node_tells_how_its_database_s_server_is_set(postgres_uri: str, tmp_path: Path) -> None:
    def inspected() -> admin.InspectedProcess:
        reply = operator.request("AdminService/InspectProcesses", admin.InspectProcessesRequest())
        (one,) = admin.InspectProcessesResponse.FromString(reply.payload).processes
        return one

    database = Database(postgres_uri)
    with (
        Daemon("all", tmp_path, {"DB_URI": postgres_uri}) as daemon,
        Conversation(daemon.uri, operator_token(tmp_path)) as operator,
        database.connection(readonly=False),
    ):
        assert list(inspected().unsafe_settings) == []
        assert [one.partition(":")[0] for one in inspected().slow_settings] == [
            "PostgreSQL's wal_compression is 'off'"
        ]
        ((name,),) = database.rows("SELECT current_database()")
        database.run(f"ALTER DATABASE {name} SET wal_compression = on")
        database.run(f"ALTER DATABASE {name} SET synchronous_commit = off")
        assert list(inspected().slow_settings) == []
        (unsafe,) = inspected().unsafe_settings
        assert unsafe.startswith("PostgreSQL's synchronous_commit is 'off', must be on")
        assert "no node starts so" in unsafe
        assert "could be lost" not in unsafe, "each transaction of a node sets it"
