"""Benchmarks of the built binary, from outside: as a user and a real client see it.

Only the standard library of Python 3.9 or newer is used. `scripts/bench` runs it.
"""
