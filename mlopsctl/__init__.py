"""mlopsctl: GitOps for machine learning, from one ``mlops.yaml``."""

__version__ = "0.1.0"
