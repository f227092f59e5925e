"""Runs on an orchestrator that is not this machine: what should stand there, its plan lines, following a run."""
