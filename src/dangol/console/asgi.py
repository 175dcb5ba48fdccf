"""The console as an ASGI application: the API in front, the pages and their streams behind it. Django must be set up before (dangol.app)."""

from __future__ import annotations

from django.core.asgi import get_asgi_application

from dangol.console.api.asgi import ApiApplication
from dangol.console.store import settings
from dangol.console.streaming import PageStreams

application = ApiApplication(settings(), PageStreams(get_asgi_application()))
