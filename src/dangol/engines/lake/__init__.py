"""The lake: every fact for ever, as Parquet files that any engine reads; the newest ones wait in State.

In: facts of committed transactions.   Out: the change feed, files, maps.   Ask: open_lake(settings), query.query(settings, sql).
"""

from dangol.engines.lake.lake import ParquetLake, open_lake

__all__ = ["ParquetLake", "open_lake"]
