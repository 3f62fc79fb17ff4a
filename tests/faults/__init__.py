"""Real faults, met by real processes. An app of the tests' settings, so that workers know its operations."""
