"""The page that lies beside a written world."""

README = """# 온결리빙 (Ongyeol Living): a made-up brand

Everything here is synthetic: the brand, its people, names, numbers, addresses, orders and words were drawn by
`dangol world --people {people} --days {days} --seed {seed} --start {start}`. No real person or company is meant; e-mail addresses end in
`.example`, IP addresses are those reserved for documentation, and every event says `context.synthetic: true`.

- `<source>.jsonl`: the events of one source, Segment-shaped, one a line, in the order in which they were received (`receivedAt`).
  Some messages stand there twice, as clients that got no answer send them.
- `sources.json`: name and kind of each source.
- `truth.parquet`: one row per message id: source, the true person (empty: nobody, an attack), the true time, and the labels
  `trap` (how identity could go wrong), `problem` (which planted problem it belongs to), `wire` (how it travelled, or breaks the plan).
- `people.parquet`: the true people, as they are on the last day.

What the labels mean and what is planted is told in Dangol's documentation, docs/world.md.
"""
