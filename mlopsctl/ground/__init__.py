"""The ground: errors, positions, digests, graphs, files, logs. It knows no machine learning."""
