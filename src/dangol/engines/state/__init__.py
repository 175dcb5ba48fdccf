"""State: PostgreSQL, from a wheel in the workspace or any server by URL.

In: settings.   Out: connections.   Ask: start(settings), locate(settings), connect(settings), stop(settings).
"""

from dangol.engines.state.errors import StateUnavailable
from dangol.engines.state.server import connect, is_running, locate, process_id, start, stop

__all__ = ["StateUnavailable", "connect", "is_running", "locate", "process_id", "start", "stop"]
