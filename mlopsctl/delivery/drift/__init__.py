"""Drift: what git says, what was applied, and what is live, plane by plane."""
