"""Metrics: what they are called, where they are defined, how they are computed and resampled."""
