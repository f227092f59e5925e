"""The history of the tables: one file a revision under ``versions``, applied by :mod:`mlopsctl.metadata.migrate`."""
