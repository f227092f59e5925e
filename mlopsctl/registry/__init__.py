"""MLflow: track runs, register models, move the champion's alias."""
