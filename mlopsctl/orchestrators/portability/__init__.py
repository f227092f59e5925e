"""The portability table: each property that a project uses, and whether an orchestrator elsewhere can honour it."""
