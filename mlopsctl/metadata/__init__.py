"""The ML Metadata model (types, artifacts, executions, events, contexts) and the release state, on SQLAlchemy."""
