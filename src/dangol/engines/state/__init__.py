"""State: PostgreSQL, from a wheel in the workspace or any server by URL.

In: settings.   Out: connections.   Ask: start(settings), locate(settings), connect(settings), stop(settings); Wires, from an event loop.
"""

from dangol.engines.state.errors import StateUnavailable
from dangol.engines.state.server import connect, is_running, locate, process_id, start, step_back, stop
from dangol.engines.state.wires import Wires

__all__ = ["StateUnavailable", "Wires", "connect", "is_running", "locate", "process_id", "start", "step_back", "stop"]
