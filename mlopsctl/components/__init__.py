"""The standard components: one file each, with its ``SPEC`` and the ``run`` function that the step runtime calls."""
