"""Signs of life, and what they say about the health of the whole."""
