"""Benchmarks, runnable by hand: ``python -m bench``, or some of them: ``python -m bench copies memory``."""
