"""A brand's website on loopback, on an origin of its own, for tests in a real browser."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class Site:
    """Serves pages by path, and files below a folder."""

    pages: dict[str, str] = field(default_factory=dict)
    folder: Path | None = None

    def __post_init__(self) -> None:
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                kind, body = "text/html; charset=utf-8", site.pages.get(path, "").encode()
                if not body and site.folder is not None and path.startswith("/files/"):
                    file = site.folder / path.removeprefix("/files/")
                    kind, body = "text/javascript", file.read_bytes() if file.is_file() else b""
                self.send_response(200 if body else 404)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *given: object) -> None:
                """Tests are quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
