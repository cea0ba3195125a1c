"""Conformance: plays the gateway to a client, any program that follows a small contract, and judges
it by the statements of proto/PROTOCOL.md.

``judge`` runs the checks of ``checks``, each with a ``Gateway`` of its own and the program.
"""

from chatd.conformance.check import Check, Level, Outcome, Verdict
from chatd.conformance.checks import CHECKS
from chatd.conformance.judge import judge

CONTRACT = """\
The program is run as
  COMMAND stream DEVICE STATEFILE   opens the device's stream and goes on until SIGTERM, then says Bye
  COMMAND send ROOM TEXT…           sends each text as an event of its own, in this order, and ends
  COMMAND room ROOM PROFILE…        creates the room with these members, and ends
with CHATD_URI (tcp://HOST:PORT) and CHATD_TOKEN in its environment. It keeps in STATEFILE, which is
missing at first, what it needs to go on after any end. It exits with 0 if it has done what it was
asked, or was told to end, and with another code if it must stop: the token is refused, its stream
was taken over, a call has failed for good.

Each thing that it shows is one line, words separated by tabs, written before it is acknowledged:
  event ROOM SEQ TEXT     replay ROOM SEQ TEXT     marker ROOM FIRST LAST
  sent ROOM SEQ           room ROOM
Other lines are passed over."""

__all__ = ["CHECKS", "CONTRACT", "Check", "Level", "Outcome", "Verdict", "judge"]
