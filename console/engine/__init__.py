"""The engine: acceptance, holds, wake-ups, chunks, verbs. PROTOCOL's laws are kept here and nowhere else."""
