from pathlib import Path

import pytest

from chatd.daemon.settings.messages import MessagesSection
from chatd.daemon.settings.section import Place


@pytest.mark.parametrize(("payload", "problems"), [(8_191, 0), (8_192, 1)])
def test_a_payload_fits_into_a_frame(payload: int, problems: int) -> None:
    section = MessagesSection(max_frame_bytes=8_192, max_payload_bytes=payload)
    assert len(list(section.problems(Place("all", Path("/data"), Path("/run"))))) == problems
