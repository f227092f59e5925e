"""Content-addressed storage of artifacts: a folder of regular files, named by the digest of its manifest."""
