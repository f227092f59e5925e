"""The first and the last task of a run elsewhere, inside its containers."""
