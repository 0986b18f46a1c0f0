"""The statistics as JSON."""

from __future__ import annotations

from datetime import date
from typing import Any

from tomed.clock import format_at
from tomed.reporting import Report
from tomed.statistics.estimates import Estimate
from tomed.statistics.pace import suspicious
from tomed.statistics.streaks import Streak
from tomed.statistics.totals import Bar, Day, Totals, change
from tomed.store.statistics import Listed, WorkTotal


def of_day(day: int | None) -> str | None:
    """A reading day as ``2026-05-24``."""
    return None if day is None else date.fromordinal(day).isoformat()


def of_totals(sums: Totals) -> dict[str, Any]:
    """Totals by the API's names."""
    return {**sums._asdict(), "mean_session_s": sums.mean_session_s, "mean_day_s": sums.mean_day_s}


def of_bar(bar: Bar | None) -> dict[str, Any] | None:
    """A bar of a chart."""
    if bar is None:
        return None
    return {"key": bar.label, "first": of_day(bar.first), **dict(zip(bar._fields[2:], bar[2:], strict=True))}


def _of_record(day: Day | None) -> dict[str, Any] | None:
    if day is None:
        return None
    return {"day": of_day(day.day), "active_s": day.active_s, "pages": day.pages, "sessions": day.sessions}


def _of_streak(streak: Streak) -> dict[str, Any]:
    return {"days": streak.length, "first": of_day(streak.first), "last": of_day(streak.last)}


def of_estimate(estimate: Estimate | None) -> dict[str, Any] | None:
    """A remaining time with its range, or null: not enough data."""
    return estimate._asdict() if estimate is not None else None


def of_work(work: WorkTotal) -> dict[str, Any]:
    """A book with its sums; ``book_uuid`` is null while its file waits."""
    return {
        "book_uuid": work.book_uuid,
        "title": work.title,
        "authors": work.authors,
        "series": work.series,
        "series_index": work.series_index,
        "status": work.status,
        "fraction": work.fraction,
        "active_s": work.active_s,
        "pages": work.pages,
        "sessions": work.sessions,
        "days": work.days,
        "first_at": format_at(work.first_at),
        "last_at": format_at(work.last_at),
        "book_pages": work.unit or None,
    }


def of_sitting(sitting: Listed) -> dict[str, Any]:
    """A sitting of the list."""
    return {
        "key": sitting.key,
        "book_uuid": sitting.book_uuid,
        "title": sitting.title,
        "device": sitting.device,
        "source": sitting.source,
        "format": sitting.format,
        "started_at": format_at(sitting.started_at),
        "ended_at": format_at(sitting.ended_at),
        "active_s": sitting.active_s,
        "pages": sitting.pages,
        "start_fraction": sitting.start_fraction,
        "end_fraction": sitting.end_fraction,
        "overlaps": sitting.overlaps,
        "suspicious": suspicious(sitting.active_s, sitting.pages),
    }


def of_report(report: Report) -> dict[str, Any]:
    """A report as JSON: every series that the page shows."""
    before = report.previous
    return {
        "from": of_day(report.span.first) if report.span else None,
        "to": of_day(report.span.last) if report.span else None,
        "today": of_day(report.today),
        "time_zone": report.time_zone,
        "day_start_minute": report.day_start_minute,
        "totals": of_totals(report.totals),
        "previous": None
        if before is None or report.previous_span is None
        else {
            "from": of_day(report.previous_span.first),
            "to": of_day(report.previous_span.last),
            "totals": of_totals(before),
            "change": {
                name: change(now, then) for name, now, then in zip(before._fields, report.totals, before, strict=True)
            },
        },
        "streak": {"current": _of_streak(report.current_streak), "longest": _of_streak(report.longest_streak)},
        "days": [_of_record(day) for day in report.days],
        "weeks": [of_bar(bar) for bar in report.bars["week"]],
        "months": [of_bar(bar) for bar in report.bars["month"]],
        "years": [of_bar(bar) for bar in report.bars["year"]],
        "heatmap": report.heatmap,
        "records": {
            "day": _of_record(report.records.day),
            "pages": _of_record(report.records.pages),
            "week": of_bar(report.records.week),
            "month": of_bar(report.records.month),
            "sitting": of_sitting(report.longest_sitting) if report.longest_sitting else None,
        },
        "goals": [
            {
                "measure": p.goal.measure,
                "period": p.goal.period,
                "target": p.goal.target,
                "done": p.done,
                "expected": p.expected,
                "reached": p.reached,
                "from": of_day(p.first),
                "to": of_day(p.last),
            }
            for p in report.goals
        ],
        "pace": [
            {
                "kind": p.kind,
                "pages_a_minute": p.pages._asdict() if p.pages else None,
                "words_a_minute": p.words._asdict() if p.words else None,
            }
            for p in report.paces
        ],
        "books": [of_work(work) for work in report.books],
        "books_read": report.book_count,
        "finished": [
            {
                "book_uuid": f.book_uuid,
                "title": f.title,
                "authors": f.authors,
                "finished_at": format_at(f.finished_at),
                "day": of_day(f.day),
                "again": f.again,
                "active_s": f.active_s,
            }
            for f in report.finished
        ],
        "open": [
            {"book_uuid": o.book_uuid, "title": o.title, "fraction": o.fraction, "estimate": of_estimate(o.estimate)}
            for o in report.open
        ],
        "series": [
            {
                **s.progress._asdict(),
                "last_at": format_at(s.progress.last_at),
                "estimate": of_estimate(s.estimate),
            }
            for s in report.series
        ],
        "unread": [{"kind": p.kind, "books": p.books, "estimate": of_estimate(p.estimate)} for p in report.pile],
        "group": report.group or None,
        "groups": [group._asdict() for group in report.groups],
    }
