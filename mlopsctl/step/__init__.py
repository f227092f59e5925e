"""What runs inside a step's process, the same in every orchestrator: bind inputs, call, publish outputs."""
