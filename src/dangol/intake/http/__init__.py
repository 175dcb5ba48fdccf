"""Intake over HTTP: the Segment-compatible API, webhooks, the pixel and the snippet, as one raw ASGI application.

In: requests of clients.   Out: frames in the log, answers after they are on disk.   Ask: CollectApp(settings, log).
"""

from dangol.intake.http.app import CollectApp

__all__ = ["CollectApp"]
