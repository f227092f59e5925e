"""The sections of ``mlops.yaml``, one file each: frozen models with a title and a description for every key."""
