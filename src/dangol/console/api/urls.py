"""No page of Django's: everything under /api/ is answered by api.asgi, in front of Django."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
