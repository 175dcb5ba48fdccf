"""Tables of the lake: facts not yet written out, and the manifest of the files that are. Both commit with State."""

from __future__ import annotations

from django.db import models


class TailBatch(models.Model):
    """Facts of one transaction, waiting to become Parquet. Also what the change feed reads first."""

    id = models.BigIntegerField(primary_key=True)  # from the sequence lake_batch; seq = id << 20 | index
    facts = models.IntegerField()
    #: zstd of msgpack list[Fact].
    block = models.BinaryField()
    written_at = models.DateTimeField()
    #: File that holds these facts, once sealed; the row stays a while for the change feed.
    sealed_in = models.TextField(null=True)

    class Meta:
        db_table = "lake_tail"


class LakeFile(models.Model):
    """One immutable Parquet file."""

    path = models.TextField(primary_key=True)  # relative to the lake folder
    #: UTC day of received_at of all its facts.
    day = models.DateField()
    facts = models.BigIntegerField()
    bytes = models.BigIntegerField()
    first_seq = models.BigIntegerField()
    last_seq = models.BigIntegerField()
    #: 0: as sealed, by seq. 1: compacted, sorted by person and time. 2: and its person filed (engines/lake/filed.py).
    level = models.SmallIntegerField()
    created_at = models.DateTimeField()
    #: Set when a compaction replaced it; the file is removed after readers had time to finish.
    replaced_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "lake_file"
        indexes = [models.Index(fields=["day"], name="lake_file_day")]
