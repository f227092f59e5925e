"""Kubeflow Pipelines: pipelines, versions, schedules and runs there, through its own client."""
