"""Queries of the learn process."""

from dangol.intake.arrivals import PARTITIONS

#: How far every partition has come in each lane; a lane that some partition has not begun is left out.
PROCESSED_BY_ALL = f"select lane, min(position) from progress group by lane having count(*) = {PARTITIONS}"  # noqa: S608  a number

#: The number of the newest batch that anybody took.
NEWEST_BATCH = "select last_value from lake_batch"

#: Batches up to a number whose facts are not in files yet.
UNSEALED_UP_TO = "select count(*) from lake_tail where sealed_in is null and id <= %s"

#: Receipts up to this position were written long ago: the lake knows which positions are how old, and receipts are indexed by it.
OLD_RECEIPTS_BOUND = "select max(last_seq) from lake_file where created_at < %s"
