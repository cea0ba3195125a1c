"""chatd whose event streams do not wait long for a client that has gone:
`python -m tests.gateway.fronts.http.short_resume all`, as `python -m chatd all`."""

from chatd.daemon.cli import main
from chatd.gateway.fronts.http import events

RESUME_SECONDS = 1.5

if __name__ == "__main__":
    events.RESUME_SECONDS = RESUME_SECONDS
    main()
