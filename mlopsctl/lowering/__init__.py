"""A project lowered into its pipeline: pure, offline, without importing user code."""
