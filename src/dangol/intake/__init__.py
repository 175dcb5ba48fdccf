"""Intake: everything that a touchpoint says is taken in, kept before it is answered, and ends with one fate.

In: HTTP requests, webhooks, files.   Out: frames in the log; event.applied, event.duplicated, event.quarantined, event.suppressed, event.tagged.
Ask: where is my event (receipts), what waits for a person (quarantine), which systems speak (sources), how rows become events (mapping).
Collect runs on this room and the log alone, so this face imports nothing: name the module you need.
"""
