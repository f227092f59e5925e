"""``python -m mlopsctl``."""

from mlopsctl.cli.main import main

main()
