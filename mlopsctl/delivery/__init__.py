"""The story after the pipeline: refresh, plan, apply, release, status, rollback, destroy."""
