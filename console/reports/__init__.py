"""What the console tells people of a run: sentences, chips, reports of what could not be done."""
