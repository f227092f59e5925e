"""Views: what the rest of the program computed, written for one kind of reader each."""
