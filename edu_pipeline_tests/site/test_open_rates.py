import polars as pl
import vl_convert

from edu_pipeline.site.open_rates import open_rate_chart, spoken, told


def engagement(*weeks: tuple[str, int, float | None, float | None]) -> pl.DataFrame:
    return pl.DataFrame(
        weeks,
        schema={
            "period": pl.String,
            "delivered": pl.Int64,
            "open_rate_low": pl.Float64,
            "open_rate_high": pl.Float64,
        },
        orient="row",
    )


WEEKS = engagement(
    ("2026-W38", 40, None, None),  # nobody asked
    ("2026-W39", 40, 0.5, 0.6),
    ("2026-W40", 9, 0.9, 0.9),  # too few
    ("2026-W41", 40, 0.4, 0.7),
    ("2026-W42", 0, None, None),  # not out yet
)


def test_the_chart_runs_from_the_first_rate_to_the_last_with_gaps_where_letters_were_few() -> None:
    assert told(WEEKS).select("period", "low", "high").rows() == [
        ("2026-W39", 0.5, 0.6),
        ("2026-W40", None, None),
        ("2026-W41", 0.4, 0.7),
    ]
    assert told(WEEKS.head(1)).is_empty()


def test_a_range_is_one_number_where_both_ends_are() -> None:
    assert spoken((0.384, 0.521)) == "38 to 52\u00a0%"
    assert spoken((0.384, 0.379)) == "38\u00a0%"


def drawn(weeks: pl.DataFrame) -> str:
    spec = open_rate_chart(told(weeks), width=500)
    return vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])


def test_the_last_band_is_labelled_at_both_ends_and_a_narrow_one_once() -> None:
    wide = drawn(WEEKS)
    assert "40\u00a0% people" in wide
    assert "70\u00a0% with programs" in wide
    assert "50 to 60\u00a0%" in drawn(WEEKS.head(2))


def test_every_week_between_the_first_and_the_last_has_its_place() -> None:
    svg = drawn(WEEKS)
    assert [f">{week}<" in svg for week in ("W38", "W39", "W40", "W41", "W42")] == [
        False,
        True,
        True,
        True,
        False,
    ]
