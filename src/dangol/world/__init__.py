"""World: a made-up Korean brand and its customers, to try Dangol on and to measure it against a known truth.

In: a number of people, days and a seed.   Out: streams of events as real clients write them, and the truth about each.
Ask: write.write_world(people, days, seed, out); on the command line `dangol world` and `dangol demo`.
"""
