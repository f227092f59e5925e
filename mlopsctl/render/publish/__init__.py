"""Checks, comments and summaries as GitHub shows them."""
