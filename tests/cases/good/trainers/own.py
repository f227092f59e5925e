def fit(train, validation, label, *, seed):
    """Train something."""
