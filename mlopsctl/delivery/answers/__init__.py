"""Answers to what happened and why, read from the stores. Nothing here takes a lock or runs code of the project."""
