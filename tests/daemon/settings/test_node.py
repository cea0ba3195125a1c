from pathlib import Path

from chatd.daemon.settings.node import NodeSection


def test_each_process_of_a_data_directory_has_a_key_file_of_its_own(tmp_path: Path) -> None:
    node = NodeSection(node_id="one", data_dir=tmp_path)
    assert node.keys(node.place("default")) == tmp_path / "keys/one-default.key"
    assert node.keys(node.place("gateway")) == tmp_path / "keys/one-gateway.key"


def test_a_key_file_may_be_elsewhere(tmp_path: Path) -> None:
    node = NodeSection(node_id="one", data_dir=tmp_path, key_file=tmp_path / "mine")
    assert node.keys(node.place("all")) == tmp_path / "mine"
    assert node.effective(node.place("all"))["key_file"] == str(tmp_path / "mine")
