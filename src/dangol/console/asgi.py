"""The console as an ASGI application. Django must be set up before (dangol.app)."""

from __future__ import annotations

from django.core.asgi import get_asgi_application

from dangol.console.api.asgi import ApiApplication
from dangol.console.store import settings

#: The API answers in front of Django's pages: a program's request pays for no session, template or form.
application = ApiApplication(settings(), get_asgi_application())
