"""A process's name, NODE_ID, in its data directory: two node parts, or two gateway parts, never
share one."""

from contextlib import ExitStack
from typing import Literal

from chatd.daemon.settings import Settings
from chatd.files.claim import Claim


def claim_name(part: Literal["node", "gateway"], settings: Settings, holder: str, stack: ExitStack) -> Claim:
    """Taken until ``stack`` ends. Raises StartFailed if another process has it, and says which."""
    node_id, data_dir = settings.node.node_id, settings.place.data_dir
    what = f"{part} {node_id} in the data directory {data_dir}"
    claim = Claim(data_dir / f"{part}-{node_id}.lock", what, holder)
    return stack.enter_context(claim)
