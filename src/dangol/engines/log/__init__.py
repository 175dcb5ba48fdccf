"""Log engines: raw intake on disk before it is answered, read in order by any number of processes.

In: frames (dangol.intake.frame).   Out: blocks of frames.   Ask: open_log(settings), which gives a dangol.intake.ports.Log.
"""

from dangol.engines.log.factory import open_log

__all__ = ["open_log"]
