"""The reader of ``mlops.yaml``: bytes to plain data with positions, overlays, interpolation, models."""
