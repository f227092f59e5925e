"""The revisions. Each only adds, so that a command of the version before, still running, goes on undisturbed."""
