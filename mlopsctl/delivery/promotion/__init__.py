"""Promotion: the same model moves from environment to environment, by a lock in git and the evidence for it."""
