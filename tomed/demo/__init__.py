"""The demo library: a genuine Calibre library that the project makes by itself, with no download.

``calibre_library`` writes any Calibre library (the tests use it too), ``library`` fills one with the
handbook and a small comic. The handbook's sources are ``handbook/*/*.md``, one folder a volume.
"""
