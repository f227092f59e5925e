"""The local orchestrator: steps as child processes of this machine, in parallel, without survivors."""
