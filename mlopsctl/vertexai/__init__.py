"""Vertex AI as the orchestrator and the server reach it: calls that say what failed, and Google's clients."""
