"""The level of a project: its evidence is read here, and what is missing for a higher one is written here."""
