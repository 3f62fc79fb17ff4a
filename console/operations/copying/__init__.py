"""How copies are made: what a copied row consists of, which keys and numbers it gets, and the two ways to write it."""
