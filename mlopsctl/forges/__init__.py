"""Forges: where the repository lives, its pull requests are reviewed and its checks are shown."""
