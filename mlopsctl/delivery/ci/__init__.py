"""The files for a CI: what is generated from the project, written, and compared with what is checked in."""
