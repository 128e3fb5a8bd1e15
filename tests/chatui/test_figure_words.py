"""Durations, shares and charts, as they are written and drawn."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from django.utils import translation

from chatui.charts import PLOT, bars_of, columns_of, heat_map_of
from chatui.figure_words import duration, needs_years, percent, short_day, span_title, wait
from server.history.figures import Span


@pytest.mark.parametrize(
    ("took", "english", "hungarian"),
    [
        (timedelta(), "0 s", "0 mp"),
        (timedelta(seconds=59.4), "59 s", "59 mp"),
        (timedelta(seconds=59.6), "1 min", "1 perc"),
        (timedelta(minutes=3, seconds=20), "3 min 20 s", "3 perc 20 mp"),
        (timedelta(hours=2, minutes=5, seconds=50), "2 h 5 min", "2 óra 5 perc"),
        (timedelta(hours=23, minutes=59, seconds=59), "23 h 59 min", "23 óra 59 perc"),
        (timedelta(days=1), "1 d", "1 nap"),
        (timedelta(days=400, hours=4), "400 d 4 h", "400 nap 4 óra"),
    ],
)
def test_durations_are_said_in_their_two_largest_units(took, english, hungarian):
    with translation.override("en"):
        assert duration(took).replace("\xa0", " ") == english
    with translation.override("hu"):
        assert duration(took).replace("\xa0", " ") == hungarian


def test_of_a_wait_that_goes_on_nobody_is_told_the_seconds():
    with translation.override("en"):
        assert wait(timedelta(seconds=5)) == "1\xa0min"
        assert wait(timedelta(minutes=4, seconds=59)) == "4\xa0min"


@pytest.mark.parametrize(
    ("share", "english", "hungarian"),
    [(0, "0%", "0%"), (0.00001, "0.1%", "0,1%"), (0.5, "50.0%", "50,0%"), (0.99999, "99.9%", "99,9%"), (1, "100%", "100%")],
)
def test_nearly_all_is_not_said_to_be_all_nor_hardly_any_to_be_none(share, english, hungarian):
    with translation.override("en"):
        assert percent(share) == english
    with translation.override("hu"):
        assert percent(share) == hungarian


def test_days_are_named_as_the_language_has_it():
    span = Span(date(2026, 11, 16), 1284, 2)
    with translation.override("en"):
        assert span_title(span, "day") == "Monday, November 16, 2026: 1,284 in, 2 out"
        assert span_title(span, "week") == "The week from November 16, 2026: 1,284 in, 2 out"
        assert span_title(span, "month") == "November 2026: 1,284 in, 2 out"
    with translation.override("hu"):
        assert span_title(span, "day") == "2026. november 16., hétfő: 1\xa0284 bejövő, 2 kimenő"
        assert short_day(span.start, "day") == "nov. 16."
        assert short_day(span.start, "week", has_year=True) == "2026. nov. 16."


def test_an_axis_carries_the_year_where_a_day_could_be_one_of_two():
    def weeks(count):
        return [Span(date(2025, 11, 17) + timedelta(days=7 * n), 1, 1) for n in range(count)]

    assert needs_years(weeks(53))
    assert not needs_years(weeks(10))
    assert not needs_years([])
    assert not needs_years([Span(date(2026, 1, 1), 1, 1), Span(date(2026, 12, 31), 1, 1)])


def _columns(spans):
    return columns_of(spans, label=lambda span: str(span.start), title=lambda span: "", number=str)


@pytest.mark.parametrize("most", [0, 1, 3, 4, 7, 10, 43, 99, 100, 12_345, 10_000_000])
def test_the_scale_begins_at_nothing_ends_above_the_most_and_is_of_round_numbers(most):
    chart = _columns([Span(date(2026, 11, 1), most, 0)])
    scale = [int(line.text) for line in chart.lines]
    assert scale[0] == 0
    assert scale[-1] >= most
    assert 2 <= len(scale) <= 5
    assert len({second - first for first, second in pairwise(scale)}) == 1


def test_a_column_is_as_high_as_its_number_and_one_of_thousands_is_still_seen():
    chart = _columns([Span(date(2026, 11, 1), 4000, 1), Span(date(2026, 11, 2), 2000, 0)])
    heights = [[float(bar.height) for bar in slot.bars] for slot in chart.slots]
    assert heights == [[PLOT, 2], [PLOT / 2]]


@pytest.mark.parametrize("count", [1, 2, 7, 30, 62, 106])
def test_the_newest_span_is_labelled_and_labels_are_few(count):
    spans = [Span(date(2020, 1, 1) + timedelta(days=n), n, n) for n in range(count)]
    labels = _columns(spans).labels
    assert labels[-1].text == str(spans[-1].start)
    assert len(labels) <= 8
    assert len([label for label in labels if not label.is_minor]) <= 4


def test_the_colours_of_the_heat_map_go_from_none_to_most():
    hours = [[0] * 24 for _ in range(7)]
    hours[2][9], hours[3][10] = 1, 1000
    cells = {cell.title: cell.style for cell in heat_map_of(hours, weekdays="MTWTFSS", title=lambda *what: f"{what}").cells}
    assert len(cells) == 7 * 24
    assert (cells["(2, 9, 1)"], cells["(3, 10, 1000)"], cells["(0, 0, 0)"]) == ("level-1", "level-5", "level-0")


def test_bars_have_one_scale_and_their_parts_side_by_side():
    first, second = bars_of([("A", "4", [("in", 3), ("out", 1)]), ("B", "2", [("in", 0), ("out", 2)])]).bars
    assert [(part.x, part.width) for part in first.parts] == [("0.000%", "75.000%"), ("75.000%", "25.000%")]
    assert [(part.style, part.x, part.width) for part in second.parts] == [("out", "0.000%", "50.000%")]
