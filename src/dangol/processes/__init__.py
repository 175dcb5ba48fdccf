"""Processes: collect, process, deliver, console and learn, each startable and killable on its own, and their supervisor."""
