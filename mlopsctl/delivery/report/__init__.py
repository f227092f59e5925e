"""The report on one run: everything that was found out, read from the stores into frozen values."""
