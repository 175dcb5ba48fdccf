"""The collect process: intake over HTTP into its own lane of the log. Depends on the log and the snapshot file alone.

Several may share one port (collect.processes > 1): the kernel spreads connections over them.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import sys
from typing import Any

import uvicorn

from dangol.engines.log import open_log
from dangol.errors import DangolError
from dangol.intake.http import CollectApp
from dangol.intake.http.protocol import BoundedProtocol, give_up_slow
from dangol.settings import Settings

#: Requests that are under way when asked to stop may finish within this.
GRACE_SECONDS = 2
#: Client libraries send every 0.5 to 10 s; a connection kept that long saves them a handshake.
KEEP_ALIVE_SECONDS = 75
BACKLOG = 2048
#: Objects made between two looks for garbage cycles: frames and envelopes form none.
GARBAGE_THRESHOLD = 50_000
#: Seconds until the commit thread may take over from the event loop; Python's 5 ms would be added to every answer.
SWITCH_SECONDS = 0.0005
#: uvicorn ticks ten times a second.
TICKS_PER_SECOND = 10


class CannotListen(DangolError):
    """The intake port cannot be listened on."""

    code = "cannot_listen"


class _Server(uvicorn.Server):
    """Looks after slow clients beside what uvicorn does every tick."""

    def __init__(self, config: uvicorn.Config, head_seconds: float) -> None:
        super().__init__(config)
        self._head_seconds = head_seconds

    async def on_tick(self, counter: int) -> bool:
        if counter % TICKS_PER_SECOND == 0:
            give_up_slow(self.server_state.connections, asyncio.get_running_loop().time(), self._head_seconds)
        return await super().on_tick(counter)


def run(settings: Settings) -> None:
    """Serve intake until SIGTERM or SIGINT; what was accepted is finished. Its lane in the log tells it from its siblings."""
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    listener = listen(settings)
    app: Any = CollectApp(settings, open_log(settings))
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=BoundedProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        backlog=BACKLOG,
    )
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)
    _Server(config, settings.collect.body_timeout_seconds).run(sockets=[listener])


def listen(settings: Settings) -> socket.socket:
    """The listening socket. Raises CannotListen.

    Only processes that are meant to share the port may: two workspaces on one port would get half of each other's events.
    """
    host, port = settings.collect.host, settings.collect.port
    try:
        family, _, _, _, address = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if settings.collect.processes > 1:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listener.setblocking(False)
            listener.bind(address)
        except BaseException:
            listener.close()
            raise
    except OSError as error:
        raise CannotListen(
            f"Intake cannot listen on {host}:{port}: {error.strerror or error}. Stop what uses that port, or set collect.host and collect.port."
        ) from error
    return listener
