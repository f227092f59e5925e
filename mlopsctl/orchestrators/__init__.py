"""Orchestrators: what executes a pipeline. Their settings are in ``specs``, the engines in a module each."""
