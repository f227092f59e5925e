"""Triggers, decided: whether a run is due now, and why. One file a kind; nothing is remembered between two looks."""
