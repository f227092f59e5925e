"""``python -m mlopsctl``."""

import os
import sys

# Python puts the current folder first: a `yaml.py` beside `mlops.yaml` would run in the place of the library.
if not sys.flags.safe_path and sys.path[:1] in ([""], [os.getcwd()]):
    del sys.path[0]

from mlopsctl.cli.main import main

main()
