"""Whether a port can be listened on, and what to do when it cannot."""

from __future__ import annotations

import errno
import socket

from dangol.errors import DangolError


class PortBusy(DangolError):
    """Dangol cannot listen where it is set to: mostly, another program does already."""

    code = "port_busy"


def why_not(setting: str, option: str, host: str, port: int, error: OSError) -> str:
    """Why nobody can listen on host and port, and what to do about it."""
    other = f"choose another port: {option}, or {setting} in dangol.toml."
    match error.errno:
        case errno.EADDRINUSE:
            what = f"Stop the program that listens there (ss -ltnp 'sport = :{port}' names it), or {other}"
        case errno.EACCES:
            what = f"Ports below 1024 are the system's; {other} A proxy in front may listen there."
        case _:
            name = setting.replace(".port", ".host")
            return (
                f"{name} = {host!r} cannot be listened on: {error.strerror or error}."
                " It must be an address of this machine, like 127.0.0.1, or 0.0.0.0 for all its networks."
            )
    return f"{setting} = {port} cannot be used: {error.strerror or error}. {what}"


def busy(host: str, port: int) -> OSError | None:
    """Why *port* cannot be listened on; None when it can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error
    return None
