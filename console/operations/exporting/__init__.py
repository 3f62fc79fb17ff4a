"""How an export makes rows of objects, and a file of rows."""
