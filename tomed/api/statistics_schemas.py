"""The JSON of the statistics as schemas: what docs/protocol.md and docs/statistics.md say in words, for programs."""

from __future__ import annotations

from tomed.api.schema_words import FRACTION, NUMBER, TEXT, TIME, WHOLE, Schema, list_of, object_of, or_null, ref

DAY: Schema = {"type": "string", "format": "date"}
SECONDS: Schema = {"type": "integer"}
KEY: Schema = {"type": "string", "pattern": "^[a-z]\\d+$"}
FLAG: Schema = {"type": "boolean"}
MEASURE: Schema = {"type": "string", "enum": ["minutes", "pages", "books"]}
PERIOD: Schema = {"type": "string", "enum": ["day", "week", "month", "year"]}

_SITTING_IN = {"started_at": TIME, "ended_at": TIME, "active_s": WHOLE, "pages": WHOLE, "book_uuid": TEXT}
_WORK = {
    "book_uuid": or_null(TEXT),
    "title": TEXT,
    "authors": TEXT,
    "active_s": SECONDS,
    "pages": WHOLE,
    "sessions": WHOLE,
    "days": WHOLE,
    "first_at": TIME,
    "last_at": TIME,
    "fraction": or_null(FRACTION),
    "book_pages": or_null(WHOLE),
}
_PACE = object_of("middle low high sittings", middle=NUMBER, low=NUMBER, high=NUMBER, sittings=WHOLE)

SCHEMAS: dict[str, Schema] = {
    "Totals": object_of(
        "active_s sessions pages days books_finished",
        active_s=SECONDS, sessions=WHOLE, pages=WHOLE, days=WHOLE, books_finished=WHOLE,
        mean_session_s=or_null(SECONDS), mean_day_s=or_null(SECONDS),
    ),
    "Bar": object_of(
        "key first active_s pages sessions days",
        key=TEXT, first=DAY, active_s=SECONDS, pages=WHOLE, sessions=WHOLE, days=WHOLE,
    ),
    "ReadingDay": object_of("day active_s pages sessions", day=DAY, active_s=SECONDS, pages=WHOLE, sessions=WHOLE),
    "Streak": object_of("days first last", days=WHOLE, first=or_null(DAY), last=or_null(DAY)),
    "Estimate": object_of(
        "remaining_s low_s high_s",
        remaining_s=SECONDS, low_s=SECONDS, high_s=SECONDS,
        days=or_null(WHOLE), low_days=or_null(WHOLE), high_days=or_null(WHOLE),
    ),
    "Sitting": object_of(
        "key book_uuid title device source started_at ended_at active_s pages overlaps suspicious",
        key=KEY, book_uuid=or_null(TEXT), title=TEXT, device=or_null(TEXT), source=TEXT, format=or_null(TEXT),
        started_at=TIME, ended_at=TIME, active_s=SECONDS, pages=WHOLE,
        start_fraction=or_null(FRACTION), end_fraction=or_null(FRACTION),
    ),
    "Sittings": object_of(
        "sittings total page per_page", sittings=list_of(ref("Sitting")), total=WHOLE, page=WHOLE, per_page=WHOLE
    ),
    "OneSitting": object_of("sitting", sitting=ref("Sitting")),
    "AddSitting": object_of("book_uuid started_at ended_at", **_SITTING_IN),
    "ChangeSitting": object_of("started_at ended_at", **_SITTING_IN),
    "Corrected": object_of("corrected", corrected=FLAG),
    "Deleted": object_of("deleted", deleted=FLAG),
    "Work": object_of("book_uuid title authors active_s pages sessions days first_at last_at", **_WORK),
    "BookStatistics": object_of(
        "book_uuid estimate finished_at seconds_a_book",
        **_WORK, estimate=or_null(ref("Estimate")), finished_at=list_of(TIME), seconds_a_book=or_null(NUMBER),
    ),
    "PutGoal": object_of("measure period target", measure=MEASURE, period=PERIOD, target=WHOLE),
    "Goal": object_of(
        "measure period target done expected reached from to",
        measure=MEASURE, period=PERIOD, target=WHOLE, done=WHOLE, expected=NUMBER, reached=FLAG, **{"from": DAY},
        to=DAY,
    ),
    "Goals": object_of("goals", goals=list_of(ref("Goal"))),
    "Statistics": object_of(
        "from to today time_zone day_start_minute totals previous streak days weeks months years heatmap records goals"
        " pace books books_read finished open series unread group groups",
        **{"from": or_null(DAY)},
        to=or_null(DAY),
        today=DAY,
        time_zone=TEXT,
        day_start_minute=WHOLE,
        totals=ref("Totals"),
        previous=or_null(object_of("from to totals change", **{"from": DAY}, to=DAY, totals=ref("Totals"))),
        streak=object_of("current longest", current=ref("Streak"), longest=ref("Streak")),
        days=list_of(ref("ReadingDay")),
        weeks=list_of(ref("Bar")),
        months=list_of(ref("Bar")),
        years=list_of(ref("Bar")),
        heatmap={**list_of({**list_of(WHOLE), "minItems": 24, "maxItems": 24}), "minItems": 7, "maxItems": 7},
        records=object_of(
            "day pages week month sitting",
            day=or_null(ref("ReadingDay")), pages=or_null(ref("ReadingDay")),
            week=or_null(ref("Bar")), month=or_null(ref("Bar")), sitting=or_null(ref("Sitting")),
        ),
        goals=list_of(ref("Goal")),
        pace=list_of(
            object_of("kind pages_a_minute words_a_minute", kind=TEXT, pages_a_minute=or_null(_PACE),
                      words_a_minute=or_null(_PACE))
        ),
        books=list_of(ref("Work")),
        books_read=WHOLE,
        finished=list_of(
            object_of("book_uuid title finished_at day again", book_uuid=TEXT, title=TEXT, authors=TEXT,
                      finished_at=TIME, day=DAY, again=FLAG, active_s=SECONDS)
        ),
        open=list_of(
            object_of("book_uuid title fraction estimate", book_uuid=TEXT, title=TEXT, fraction=FRACTION,
                      estimate=or_null(ref("Estimate")))
        ),
        series=list_of({"type": "object"}),
        unread=list_of(object_of("kind books estimate", kind=TEXT, books=WHOLE, estimate=or_null(ref("Estimate")))),
        group=or_null(TEXT),
        groups=list_of({"type": "object"}),
    ),
    "HistoryMark": object_of("start_time rows", start_time=WHOLE, rows=WHOLE),
    "HistoryFile": object_of(
        "",
        service={"const": "tomed"}, rows=WHOLE, taken=WHOLE, new=WHOLE, rejected=WHOLE, waiting_books=WHOLE,
        known=WHOLE, first_at=or_null(TIME), last_at=or_null(TIME),
        books=list_of(
            object_of("title partial_md5 rows active_s matched_by", title=TEXT, authors=list_of(TEXT),
                      partial_md5=TEXT, rows=WHOLE, active_s=SECONDS, matched_by=or_null(TEXT))
        ),
    ),
}  # fmt: skip
"""By name, for the table of ``routes.py``."""
