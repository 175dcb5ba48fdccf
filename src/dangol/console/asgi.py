"""The console as an ASGI application. Django must be set up before (dangol.app)."""

from __future__ import annotations

from django.core.asgi import get_asgi_application

application = get_asgi_application()
