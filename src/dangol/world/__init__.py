"""World: a made-up Korean brand and its customers, to try Dangol on and to measure it against a known truth.

In: a number of people, days and a seed.   Out: streams of events as real clients write them, and the truth about each.
Ask: write_world(people, days, seed, out).
"""

from dangol.world.write import WorldRefused, WorldSummary, write_world

__all__ = ["WorldRefused", "WorldSummary", "write_world"]
