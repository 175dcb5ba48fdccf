"""The collect process: intake over HTTP into its own lane of the log. Depends on the log and the snapshot file alone.

Several may share one port (collect.processes > 1): the kernel spreads connections over them.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import sys

import uvloop

from dangol.engines.log import open_log
from dangol.errors import DangolError
from dangol.intake.http import Bounds, CollectApp, Connections
from dangol.settings import Settings

#: Requests that are under way when asked to stop may finish within this.
GRACE_SECONDS = 2
BACKLOG = 2048
#: Objects made between two looks for garbage cycles: frames and envelopes form none.
GARBAGE_THRESHOLD = 50_000
#: Seconds until the commit thread may take over from the event loop; Python's 5 ms would be added to every answer.
SWITCH_SECONDS = 0.0005


class CannotListen(DangolError):
    """The intake port cannot be listened on."""

    code = "cannot_listen"


def run(settings: Settings) -> None:
    """Serve intake until SIGTERM or SIGINT; what was accepted is finished. Its lane in the log tells it from its siblings."""
    listener = listen(settings)
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)
    uvloop.run(_serve(settings, listener))


async def _serve(settings: Settings, listener: socket.socket) -> None:
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    limits = settings.collect
    app = CollectApp(settings, open_log(settings))
    connections = Connections(app.answer, Bounds(limits.max_body_bytes, limits.max_waiting_bytes, limits.body_timeout_seconds))
    await app.start()
    looking = asyncio.create_task(connections.look_after())
    server = await loop.create_server(connections, sock=listener, backlog=BACKLOG)
    await stopping.wait()
    server.close()
    await connections.finish(GRACE_SECONDS)
    looking.cancel()
    await app.stop()


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
