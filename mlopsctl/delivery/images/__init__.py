"""Images of the steps: built from the project, pushed, and pinned in ``images.lock.yaml``."""
