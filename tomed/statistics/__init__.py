"""What reading was: pure rules from sittings and page times to days, streaks, pace and estimates.

No I/O and no clock of its own: rows come in, numbers go out. The definitions are written for
readers in ``docs/statistics.md``; each module here is one of them. A *day* is everywhere the
proleptic ordinal of ``datetime.date`` (``date.fromordinal(day)``) of a reading day.
"""
