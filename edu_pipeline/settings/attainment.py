"""`[attainment]` of `pipeline.toml`: exam series and their order, grades, names that exports differ in."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from edu_pipeline.model.grades import normal
from edu_pipeline.settings.part import Part

ATTAINMENT_FOLDER = "attainment/"
"""Of the landing zone: exam results of cohorts, with a folder for each or without."""
Points = Annotated[float, Field(ge=0, le=9)]
Column = Literal[
    "student_id",
    "name",
    "given_name",
    "family_name",
    "cohort",
    "subject",
    "series",
    "grade",
    "difference",
]
"""What a column of an export of results can be; every other one is kept as a group."""

Qualification = Literal["GCSE", "A level", "AS level", "Level 1", "Level 2", "Level 3"]
"""Whose grades somebody's may be; those of levels are passes, merits and distinctions."""


class Attainment(Part):
    """Exam results of cohorts: what the series are called, what grades count, what is compared."""

    series: tuple[str, ...] = Field(
        ("MOCK 1", "MOCK 2", "GCSE", "BASELINE"),
        min_length=1,
        description=(
            "Exam series in the order in which they are drawn, in every cohort; further ones of its exports "
            "join them where their place is proven. The baseline is one of them."
        ),
    )
    final: str = Field("GCSE", description="The series that counts in the end.")
    baseline: str = Field(
        "BASELINE", description="The series that says what was to be expected of a student."
    )
    tolerance: float = Field(
        0.0, ge=0, description="A final grade so many points from the baseline still meets it."
    )
    baseline_rounding: Literal["none", "nearest", "down"] = Field(
        "none", description="Whether baselines are rounded to whole grades before comparing."
    )
    overall_baseline: Literal["ignore", "every_subject"] = Field(
        "ignore",
        description=(
            "What a baseline file's one figure per student, without a subject, is good for: nothing, "
            "or `every_subject` of the student."
        ),
    )
    baseline_files: tuple[str, ...] = Field(
        ("*yellis*", "*midyis*", "*cat4*", "*fft*", "*baseline*"),
        description="Names of files, in any case, that hold nothing but baselines.",
    )
    english: tuple[str, ...] = Field(
        ("English", "English Language", "English Literature"),
        description=(
            "Subjects of which the best counts as English in headline measures, in any known spelling."
        ),
    )
    maths: tuple[str, ...] = Field(
        ("Maths",),
        description="The same for maths.",
    )
    uncounted: tuple[str, ...] = Field(
        (),
        description=(
            "Subjects that Attainment 8 and the EBacc do not count: awards that are not approved, "
            "entries that another discounts."
        ),
    )
    fewest: int = Field(
        10, ge=1, description="Groups of fewer students are left out of the shareable edition."
    )
    grades: dict[str, Points] = Field(
        default_factory=dict,
        description="Grade = points, besides those that are known; wins over them.",
    )
    no_grade: tuple[str, ...] = Field(
        (),
        description=(
            'What stands where a grade would and is none, such as "WB" of who was withdrawn: counted, and '
            "else as if the cell were empty."
        ),
    )
    subjects: dict[str, str] = Field(
        default_factory=dict, description="A subject as some export has it = as tables show it."
    )
    qualifications: dict[str, Qualification] = Field(
        default_factory=dict,
        description=(
            "A subject, or `*` for all = what its grades are those of, where neither its name nor a column "
            "says it."
        ),
    )
    subject_order: tuple[str, ...] = Field(
        (),
        description=(
            "The order in which pages list subjects, in any known spelling; others come behind. Without "
            "it: English, maths, sciences, humanities, languages, then the others by name."
        ),
    )
    columns: dict[Column, str] = Field(
        default_factory=dict,
        description="Our column = the export's header, where it is not found by itself.",
    )
    series_names: dict[str, str] = Field(
        default_factory=dict,
        description=(
            "A series, or the name of a file, as some export has it = one of `series`, such as "
            '"Y11 Nov" = "MOCK 1" or "FFT20" = "BASELINE".'
        ),
    )

    ignore: tuple[str, ...] = Field(
        (),
        description=(
            "Columns, series and subjects, as exports call them, that no figure is made of: detentions, "
            "a teacher's expectation, an exam of another year."
        ),
    )

    @property
    def sat(self) -> tuple[str, ...]:
        """The series that students sit, in order: all but the baseline."""
        return tuple(name for name in self.series if name != self.baseline)

    @model_validator(mode="before")
    @classmethod
    def _the_baseline_is_a_series(cls, data: Any) -> Any:  # noqa: ANN401 - TOML may hold anything
        if not isinstance(data, Mapping) or not isinstance(data.get("series"), list | tuple):
            return data
        baseline = data.get("baseline", "BASELINE")
        series = tuple(data["series"])
        return data if baseline in series else {**data, "series": (*series, baseline)}

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for key, name in (("final", self.final), ("baseline", self.baseline)):
            if name not in self.series:
                raise ValueError(
                    f"{key} = {name!r} is none of series ({', '.join(self.series)}); add it there or "
                    f"say which of them is the {key}"
                )
        both = {normal(grade) for grade in self.grades} & {normal(text) for text in self.no_grade}
        if both:
            raise ValueError(f"{min(both)!r} is in grades and in no_grade; take it out of one")
        if self.final == self.baseline:
            raise ValueError("final and baseline must be two different series")
        columns = [series_column(name) for name in self.series]
        for name, column in zip(self.series, columns, strict=True):
            if columns.count(column) > 1:
                raise ValueError(f"two series are called {name!r}; give each a name of its own")
        for theirs, ours in self.series_names.items():
            if ours not in self.series:
                raise ValueError(
                    f"series_names: {theirs!r} = {ours!r} is none of series ({', '.join(self.series)})"
                )
        return self


def series_column(name: str) -> str:
    """A series as the name of a column: small letters, digits and `_`, such as `mock_1`."""
    return re.sub(r"[\W_]+", "_", name.casefold()).strip("_")
