"""Dangol joins everything a customer does with a brand, online and in stores, into one experience."""

__version__ = "0.1.0"
