"""Goals: minutes, pages or books in a day, week, month or year, and where one stands."""

from __future__ import annotations

from typing import NamedTuple

from tomed.errors import Invalid
from tomed.statistics.periods import PERIODS, current

MEASURES = ("minutes", "pages", "books")


class Goal(NamedTuple):
    """What someone wants to read in every ``period``."""

    id: int
    measure: str
    period: str
    target: int


class Progress(NamedTuple):
    """A goal in the period of today. ``expected`` is where an even pace would be by the end of today."""

    goal: Goal
    done: int
    expected: float
    first: int
    last: int

    @property
    def reached(self) -> bool:
        return self.done >= self.goal.target


def check(measure: str, period: str, target: int) -> None:
    """Raises Invalid when no such goal can be."""
    if measure not in MEASURES:
        raise Invalid(f"A goal counts {', '.join(MEASURES)}, not {measure!r}.")
    if period not in PERIODS:
        raise Invalid(f"A goal is for a {', '.join(PERIODS)}, not {period!r}.")
    if not 1 <= target <= 1_000_000:
        raise Invalid("The target of a goal must be a whole number from 1.")


def progress(
    goal: Goal,
    today: int,
    days: dict[int, tuple[int, int]],
    finished: list[int],
    week_start: int = 1,
) -> Progress:
    """Where a goal stands. ``days``: day to (active seconds, pages); ``finished``: the days of finished readings."""
    span = current(goal.period, today, week_start)
    inside = range(span.first, span.last + 1)
    if goal.measure == "books":
        done = sum(1 for day in finished if day in inside)
    else:
        column = 0 if goal.measure == "minutes" else 1
        done = sum(days[day][column] for day in inside if day in days)
        done = done // 60 if goal.measure == "minutes" else done
    return Progress(goal, done, goal.target * (today - span.first + 1) / span.days, span.first, span.last)
