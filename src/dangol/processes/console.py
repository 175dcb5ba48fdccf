"""The console process: pages and API, one ASGI application under uvicorn."""

from __future__ import annotations

import gc
import sys

import uvicorn

from dangol.processes.listening import PortBusy, busy, why_not
from dangol.settings import Settings

#: Requests still running when asked to stop may finish within this; the change feed's endless answers are cut.
GRACE_SECONDS = 3
#: Seconds after which a thread that computes lets others go on; Python's own 5 ms is as long as a whole read.
TURN_SECONDS = 0.001


def run(settings: Settings) -> None:
    """Serve the console until SIGTERM or SIGINT. Raises: PortBusy."""
    from dangol import app  # noqa: PLC0415 - Django is set up only where it is used
    from dangol.engines.log import ask_for_short_slice  # noqa: PLC0415 - as above

    if error := busy(settings.console.host, settings.console.port):
        raise PortBusy(why_not("console.port", "DANGOL_CONSOLE_PORT=PORT", settings.console.host, settings.console.port, error))
    ask_for_short_slice()  # answers are short work: beside a busy worker they should not wait for a long turn
    app.configure(settings)
    from dangol.console.asgi import application  # noqa: PLC0415 - needs Django set up

    sys.setswitchinterval(TURN_SECONDS)
    gc.collect()
    gc.freeze()  # what is loaded now stays: no collection looks at it again
    gc.set_threshold(20_000, 20, 50)
    config = uvicorn.Config(
        application,
        host=settings.console.host,
        port=settings.console.port,
        loop="uvloop",
        http="httptools",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=bool(settings.console.public_url),
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    uvicorn.Server(config).run()
