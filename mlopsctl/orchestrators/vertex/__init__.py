"""Vertex AI Pipelines: jobs and schedules there, through its own client."""
