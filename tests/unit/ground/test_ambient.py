"""What a process is told of Google Cloud: who it is and where to ask, and nothing else."""

from __future__ import annotations

import os

from mlopsctl.ground.ambient import google


def test_only_known_names_are_passed_on_and_paths_are_absolute() -> None:
    ambient = {
        "GOOGLE_CLOUD_PROJECT": "shop-prod",
        "GOOGLE_APPLICATION_CREDENTIALS": "keys/shop.json",
        "CLOUDSDK_CONFIG": "",
        "GOOGLE_API_KEY": "no",
        "AWS_SECRET_ACCESS_KEY": "no",
    }
    assert google(ambient) == {
        "GOOGLE_CLOUD_PROJECT": "shop-prod",
        "GOOGLE_APPLICATION_CREDENTIALS": os.path.abspath("keys/shop.json"),
    }
