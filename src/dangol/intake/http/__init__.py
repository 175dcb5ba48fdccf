"""Intake over HTTP: the Segment-compatible API, webhooks, the pixel and the snippet, from socket to log and back.

In: what clients send.   Out: frames in the log, answers after they are on disk.   Ask: CollectApp(settings, log), Connections(app.answer, bounds).
"""

from dangol.intake.http.app import CollectApp
from dangol.intake.http.connection import Bounds, Connections

__all__ = ["Bounds", "CollectApp", "Connections"]
