"""How much of the machine matching may take, and how many pairs it may look at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Bounds of one run; what does not fit in memory goes to `folder`."""

    #: DuckDB's memory_limit. The process itself takes 100 to 200 MB beside it.
    memory_limit: str = "1GB"
    threads: int = 2
    #: Where DuckDB spills; empty: a folder of its own below the system's temporary one, removed afterwards.
    folder: str = ""
    #: Largest block whose members are all compared: each record meets at most `block_most - 1` others by one rule.
    block_most: int = 60
    #: Pairs that all rules together give at most for each record of a brand, however large it is.
    pairs_each: float = 7.5
    #: So many pairs are compared in any case: the few records of a small brand may meet more others each.
    pairs_free: int = 8_000_000
    #: Random pairs from which u is counted.
    sample_pairs: int = 200_000
    #: Candidate pairs that training looks at.
    training_pairs: int = 1_000_000
    #: Fewer records than this teach too little: the shipped model stays.
    train_least: int = 500
    seed: int = 20_260_101
