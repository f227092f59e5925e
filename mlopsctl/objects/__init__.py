"""Objects behind URLs: named bytes that appear whole or not at all, on ``gs://`` or any place that fsspec knows."""
