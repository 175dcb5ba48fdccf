"""Matching: Dangol beside plain Splink and recordlinkage, on sets whose truth is known."""
