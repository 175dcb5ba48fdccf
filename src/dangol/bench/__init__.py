"""Bench: how fast this machine is with Dangol, and what it could be at best, measured in the same run.

In: nothing; every benchmark makes a workspace of its own and removes it.   Out: a table.   Ask: `dangol bench [NAME …]`.
"""
