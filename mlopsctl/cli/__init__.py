"""The command line: one thin file a command group; parse arguments, call one function, render."""
