"""The modes of ``chatd``: a default node, a gateway, or both in one process."""

from typing import Literal

Mode = Literal["default", "gateway", "all"]
