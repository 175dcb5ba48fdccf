"""Engines: the only code that names a log, a state store or a lake. The rest of Dangol knows their ports."""
