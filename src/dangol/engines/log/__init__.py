"""Log engines: raw intake on disk before it is answered, read in order by any number of processes.

In: frames (dangol.intake.frame).   Out: blocks of frames.   Ask: open_log(settings), which gives a dangol.intake.ports.Log.
"""

from dangol.engines.log.factory import open_log
from dangol.engines.log.slice import ask_for_short_slice

__all__ = ["ask_for_short_slice", "open_log"]
