"""Measurements: every figure as a ratio to a bare floor that is measured in the same run (``python -m bench``)."""
