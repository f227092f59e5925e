def fit(train, validation, label, *, seed, epochs):
    """Train something."""
