"""From a URL to the place it names."""

from __future__ import annotations

from mlopsctl.objects.contract import Objects

GOOGLE = ("gs://", "gcs://")


def open_objects(url: str) -> Objects:
    """The objects below a URL: ``gs://`` through Google's own client, any other through fsspec. Nothing is asked yet.

    Raises:
        ObjectsUnavailable: for a URL that nobody here can read.
    """
    url = url.rstrip("/")
    if url.startswith(GOOGLE):
        from mlopsctl.objects.gcs import GoogleObjects

        return GoogleObjects(url)
    from mlopsctl.objects.others import OtherObjects

    return OtherObjects(url)
