"""Fragments keep every value that a trait was told. What is stored holds the newest alone; `dangol rebuild` finds the others."""

import json

from django.db import migrations

#: Rows read at a time.
PORTION = 5000


def widen(apps, schema_editor):
    """{trait: [value, at, message, source]} becomes {trait: [[value, at, message, source, 0, null]]}, and so for groups."""
    with schema_editor.connection.cursor() as cursor:
        after = ("00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000000")
        first = True
        while True:
            cursor.execute(
                f"""
                select node_id, device_id, body
                  from fragment
                 where (node_id, device_id) {">=" if first else ">"} (%s::uuid, %s::uuid)
                   and body is not null
                 order by node_id, device_id
                 limit {PORTION}
                """,
                after,
            )
            rows = cursor.fetchall()
            first = False
            for node, device, body in rows:
                cursor.execute("update fragment set body = %s where node_id = %s and device_id = %s", [_wide(bytes(body)), node, device])
            if not rows:
                return
            after = rows[-1][:2]


def _wide(body):
    told = json.loads(body)
    traits = {name: [[*one[:4], 0, None]] for name, one in sorted(told.get("traits", {}).items())}
    groups = {
        group: {"since": [at, message, source], "last": [at, message, source]}
        for group, (_, at, message, source) in sorted(told.get("groups", {}).items())
    }
    kept = {name: value for name, value in (("traits", traits), ("groups", groups)) if value}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()


class Migration(migrations.Migration):
    dependencies = [("profiles", "0004_computed_traits")]
    operations = [migrations.RunPython(widen, migrations.RunPython.noop)]
