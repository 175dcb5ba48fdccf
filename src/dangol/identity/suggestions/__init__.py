"""Suggested matches: pairs of people who are probably one, and what became of each."""
