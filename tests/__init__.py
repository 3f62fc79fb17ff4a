"""Every test; they mirror ``console/``."""
