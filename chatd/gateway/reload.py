"""Reload: other tokens and limits under open streams. A stream whose token is no longer good ends;
nothing else does."""

from collections.abc import Sequence

from chatd.errors import ChatdError, Unauthenticated
from chatd.gateway.admission import Admission
from chatd.gateway.authentication.chain import Authenticator
from chatd.gateway.authentication.identity import Identity
from chatd.gateway.connection import ClientConnection
from chatd.gateway.doorkeeper import DoorSettings
from chatd.gateway.rate_limits import RateSettings
from chatd.gateway.token_check import TokenCheck


class Reload:
    """Changes what Admission goes by. The ``lasting`` authenticators are asked last, as before."""

    def __init__(self, admission: Admission, check: TokenCheck, lasting: Sequence[Authenticator]) -> None:
        self._lasting = lasting
        self._admission = admission
        self._check = check

    def run(self, tokens: Sequence[Authenticator], rates: RateSettings, door: DoorSettings) -> int:
        """Apply all three; the number of streams that were ended, Hellos on their way to one
        included."""
        self._admission.change((*tokens, *self._lasting), rates, door)
        return self._check.run(self._now_shown)

    def _now_shown(self, peer: ClientConnection, identity: Identity) -> Identity:
        """The identity that the stream's token shows by now. Raises Unauthenticated."""
        identity_now = self._admission.confirm(identity)
        if identity_now is not None:
            try:
                identity_now.check_key(peer.link.client_key)
                identity_now.check_device(peer.device_id)
                self._admission.check(identity_now)
            except ChatdError:
                pass
            else:
                return identity_now
        raise Unauthenticated("the token is no longer good")
