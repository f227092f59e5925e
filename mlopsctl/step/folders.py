"""Private folders: removed whole, whatever permissions a step left in them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def remove_tree(folder: Path) -> None:
    """Remove a folder and all in it, following no link; what cannot be removed stays for a later sweep."""
    shutil.rmtree(folder, ignore_errors=True)
    if not folder.is_dir() or folder.is_symlink():
        return
    for path, names, _ in os.walk(folder):
        # Top-down, so that a folder is opened before the walk enters it.
        for name in (".", *names):
            inner = os.path.join(path, name)
            if not os.path.islink(inner):
                os.chmod(inner, 0o700)
    shutil.rmtree(folder, ignore_errors=True)
