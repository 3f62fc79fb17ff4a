"""Signals of the console, sent after commit. Keyword arguments: ``run``; sender is the Run class."""

from __future__ import annotations

from django.dispatch import Signal

run_accepted = Signal()
run_ended = Signal()
