"""Signals of the console, sent after commit.

Those of runs bring ``run``; their sender is the Run class. `schedule_switched_off` brings ``schedule``: it has failed too often.
"""

from __future__ import annotations

from django.dispatch import Signal

run_accepted = Signal()
run_ended = Signal()
schedule_switched_off = Signal()
