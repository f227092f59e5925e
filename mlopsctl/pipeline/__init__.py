"""The one intermediate representation of what a project runs."""
