"""Work that starts by the clock: the scheduler process."""
