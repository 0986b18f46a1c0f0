"""Faults on purpose: ``make torture``. Each scenario ends with the same two questions, answered by ``questions.py``."""
