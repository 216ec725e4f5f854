"""Every metric once: what letters, pages, Dagster's catalogue and the documentation say of it.

No numbers are computed here, and no definition of a metric is typed anywhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from edu_pipeline.chance.disclosure import FEWEST_SHOWN
from edu_pipeline.chance.usual import FEWEST_STUDENTS_USUAL, FEWEST_WEEKS
from edu_pipeline.mail.engagement import FEWEST_DELIVERED
from edu_pipeline.settings.attainment import Attainment
from edu_pipeline.settings.home import Settings
from edu_pipeline.settings.programmes import CAP_DAYS


@dataclass(frozen=True)
class Metric:
    """What a number means."""

    name: str
    title: str
    """What people call it."""
    sentence: str
    """The definition in at most two sentences for somebody who reads it under a figure."""
    columns: str
    """Where it stands in the tables."""
    numerator: str
    denominator: str
    window: str


_METRICS = (
    Metric(
        name="attendance_rate",
        title="Attendance",
        sentence=(
            "Days attended as a share of days expected. {half_days}, coming late "
            "counts as attended, and days whose register is not in are left out."
        ),
        columns="attendance_rate",
        numerator="Student-days attended, in fractions of a day; tardy is attended",
        denominator=(
            "Student-days on which a student was enrolled, the school in session and the register "
            "taken, less those on which the student was not expected. Where marks are taken in lessons, "
            "a day is attended by as many of the student's lessons that day as were attended; all or "
            "nothing of a day counts where `[attendance] absent_from` says so"
        ),
        window="One school week, Monday to Sunday",
    ),
    Metric(
        name="lesson_rate",
        title="Attendance in your lessons",
        sentence=(
            "Of a class whose lessons have registers of their own: lessons attended as a share of the "
            "lessons in which its students were expected. A student’s days are those of all their lessons, whoever taught them."
        ),
        columns="attendance_rate of scheduled classes with lessons",
        numerator="Student-lessons attended, in fractions of a lesson; tardy is attended",
        denominator=(
            "Lessons of the class with a mark of a student who was enrolled in it that day, less "
            "those in which the student was not expected"
        ),
        window="One school week, Monday to Sunday",
    ),
    Metric(
        name="homework_rate",
        title="Homework",
        sentence=(
            "Homework handed in as a share of homework due. Exempt work and work without a status "
            "are left out; late work counts as {late}."
        ),
        columns="homework_rate",
        numerator="Homework handed in",
        denominator=(
            "Homework due in the window while the student was in the class, less exempt, not yet "
            "due and without a status"
        ),
        window="One school week, Monday to Sunday, by due date; weeks without school are left out",
    ),
    Metric(
        name="previous",
        title="Last week",
        sentence="The school week before; breaks are skipped.",
        columns="…_previous",
        numerator="As the metric",
        denominator="As the metric",
        window="The last week before this one with a day in session",
    ),
    Metric(
        name="start",
        title="Start of year",
        sentence="The first full week of the school year.",
        columns="…_start",
        numerator="As the metric",
        denominator="As the metric",
        window=(
            "The first week with as many days in session as is usual for the school; before it "
            "there is no comparison with the start of the year"
        ),
    ),
    Metric(
        name="team",
        title="Grade team",
        sentence="All students of the grade team together, the class included.",
        columns="…_team",
        numerator="Sum over the team's students",
        denominator="Sum over the team's students",
        window="As the metric",
    ),
    Metric(
        name="school",
        title="School",
        sentence="All students of the school together, the class included.",
        columns="…_school",
        numerator="Sum over the school's students",
        denominator="Sum over the school's students",
        window="As the metric",
    ),
    Metric(
        name="to_date",
        title="Year so far",
        sentence="Everything from the first day of the school year to the end of this week.",
        columns="…_to_date",
        numerator="As the metric",
        denominator="As the metric",
        window=(
            "From the first day in session of the school year to the last day counted of the "
            "week; homework due on days without school is included"
        ),
    ),
    Metric(
        name="usual",
        title="Usual range",
        sentence=(
            "Where a week's figure falls, going by the class's own earlier weeks this school year, "
            "unless something has changed. It takes at least {weeks} earlier weeks and {students} "
            "students to tell."
        ),
        columns="…_usual_low, …_usual_high, …_usual_weeks, …_verdict",
        numerator=(
            "XmR limits: the earlier weeks' mean (in a climb or fall, their line) and, whichever is "
            "larger, their mean moving range ÷ 1.128 or standard deviation, on a scale that allows for the long tail below 100 %; "
            "short weeks count for less and have wider limits"
        ),
        denominator=(
            "Widened by Student's quantile for few weeks; never narrower than three student-days or "
            "pieces make it. In simulated uneventful years of classes of 10 to 30, 1 to 2 in 1,000 "
            "weeks are outside where absences are unrelated, up to 3 where they last two or three "
            "days (4 where some weeks are worse for everybody), and up to 5 where they last a "
            "week, most in small classes. The price: of single weeks that are 15 points lower, "
            "19 in 20, about half and a third are found in a class of 22, fewer in smaller ones"
        ),
        window=(
            "The weeks of the level or trend before the week, which is not included. Attendance and "
            "homework each have a verdict of their own"
        ),
    ),
    Metric(
        name="phase",
        title="Climbing, falling, a new level",
        sentence=(
            "What the weeks of this school year have come to, where it is more than chance explains: "
            "a steady climb or fall, or two levels of at least {weeks} weeks each. What is usual "
            "is then said by the weeks since."
        ),
        columns="…_phase, …_phase_start, …_phase_first, …_phase_last, …_phase_before",
        numerator=(
            "Two levels parted where they leave least, told apart by Student's t with the spread "
            "within both; or a line whose slope's interval does not hold 0, which leaves at most 1.2 "
            "times as much and goes on in the later half of its weeks: with two thirds of the slope "
            "when it is found, and one third while it lasts"
        ),
        denominator=(
            "Intervals of 99.99 %, because every week looks at every place for a step. In simulated "
            "uneventful years of a class of 22, fewer than 1 in 100 are told something where "
            "absences are unrelated, 3 where they last two or three days, 13 where they last a "
            "week. The price: of steps of 8 points in homework or 5 in attendance, 84 and 63 in 100 "
            "are found within 10 weeks, and of those of 5 and 3 points half are never found; of "
            "climbs of 25 points over the year, 59 in 100 by the 24th week and 84 by the last"
        ),
        window="The school year up to the week, from its last change of level",
    ),
    Metric(
        name="team_difference",
        title="Different from the grade team",
        sentence=(
            "Said only when a group of so many students, drawn from the team by lot, would hardly "
            "ever be so far off: twice in a thousand comparisons."
        ),
        columns="…_team_verdict, …_team_verdict_to_date",
        numerator="The class's rate − the grade team's",
        denominator=(
            "s √(1/n − 1/N): s, how far students differ within classes, pooled over the school's "
            "classes of the same type; n and N, students in the class and in the team; limits at "
            "99.8 % of each comparison, as skewed as students' rates are. Homework: homerooms only"
        ),
        window=(
            "The week; and the school year to date. With attendance and homework that is four "
            "comparisons of a homeroom in a letter, so up to 8 in 1,000 letters about a homeroom "
            "like all others say that it differs"
        ),
    ),
    Metric(
        name="missed",
        title="Too many days missed",
        sentence=(
            "{share} or more of the school days so far this year, excused or not. Nothing is said "
            "before a student has had {days} days."
        ),
        columns="absent_days_to_date",
        numerator="Days absent, excused or not, in fractions",
        denominator="Days on which the student was expected, in whatever class of the school",
        window="From the first day in session of the school year to this week",
    ),
    Metric(
        name="term",
        title="Term",
        sentence=(
            "A term of the school's calendar, as far as the data go. Homework due on a day without "
            "school belongs to the term of the school day before."
        ),
        columns="school_term",
        numerator="As the metric",
        denominator="As the metric",
        window=(
            "From the term's first to its last day in session; the term before is one of the same "
            "school year"
        ),
    ),
    Metric(
        name="delivered",
        title="Delivered",
        sentence=(
            "Letters that the recipient's mail server took, as far as the carrier reports. Only "
            "SendGrid reports it: letters that went out otherwise stay at sent."
        ),
        columns="delivered",
        numerator="Letters of the campaign and period, corrections included",
        denominator="–",
        window="From sending until now; a letter that came back later is bounced",
    ),
    Metric(
        name="open_rate",
        title="Opened",
        sentence=(
            "Letters opened as a share of letters delivered: from those that a person opened to "
            "those that a person or only a program did. An open is a picture that was loaded, so "
            "whoever reads without pictures is missing; below {letters} letters no rate is said."
        ),
        columns="open_rate_low, open_rate_high",
        numerator=(
            "Letters with at least one open that the carrier does not call a program's; for the "
            "high end also those with opens by programs only"
        ),
        denominator="Letters delivered",
        window="From sending until now, so the newest period still grows",
    ),
    Metric(
        name="clicked",
        title="Clicked",
        sentence=(
            "Letters delivered in which at least one link was followed. Programs that try links "
            "for viruses are counted as well."
        ),
        columns="clicked_people",
        numerator="Letters with at least one click",
        denominator="–",
        window="From sending until now",
    ),
    Metric(
        name="unknown_letters",
        title="Unknown",
        sentence=(
            "Letters that may have gone out: the connection broke, or the sender stopped, before "
            "the carrier answered. They are not sent again on their own."
        ),
        columns="unknown",
        numerator="Letters of the campaign and period",
        denominator="–",
        window="Until the carrier's records or a person tell",
    ),
    Metric(
        name="attempts",
        title="Attempts",
        sentence="Runs of the course that the learner was enrolled in, graded or not.",
        columns="attempts",
        numerator="Runs with the learner in their newest grade report, error file or profile",
        denominator="–",
        window="All runs of the course that were exported, listed in the settings or not",
    ),
    Metric(
        name="best_run",
        title="Best run",
        sentence=(
            "Of a learner's runs of a course the one with a certificate; of several, or none, the "
            "one with the highest grade."
        ),
        columns="best_run, best_grade, enrollment_track, verification",
        numerator="–",
        denominator="–",
        window="All runs; of equal ones the one exported last, then the last by name",
    ),
    Metric(
        name="course_passed",
        title="Passed",
        sentence=(
            "A grade at or above the course's pass mark in some run, on any track. Grades are "
            "compared as edX exports them, rounded to two decimals."
        ),
        columns="passed, <course>_passed",
        numerator="–",
        denominator="–",
        window="All runs; a missing grade is neither a pass nor a fail",
    ),
    Metric(
        name="certificate",
        title="Certificate",
        sentence=(
            "Delivered on a paid track, by the newest report. That edX calls somebody eligible is none: "
            "it says so of who left, was refunded, is not verified, or whose certificates are to come."
        ),
        columns="certificate, no_certificate_eligible",
        numerator="Courses with a certificate in some run, the capstone included",
        denominator="–",
        window=(
            "All runs; paid tracks are paid_tracks of the programme, by default verified, "
            "professional, no-id-professional, credit, masters, executive-education, "
            "paid-executive-education and paid-bootcamp"
        ),
    ),
    Metric(
        name="audit_passed",
        title="Passed on audit",
        sentence=(
            "Passed on a free track (free_tracks, by default audit, honor, "
            "unpaid-executive-education and unpaid-bootcamp), and no certificate of the course."
        ),
        columns="audit_passed, no_audited_passed",
        numerator="Courses passed on a free track and without a certificate, the capstone included",
        denominator="–",
        window="All runs",
    ),
    Metric(
        name="in_progress",
        title="In progress",
        sentence=(
            "Enrolled in a run of the course that is not over, and without a certificate of it."
        ),
        columns="in_progress",
        numerator="–",
        denominator="–",
        window=(
            "The day of the refresh; a run is over after its end, else after the last date known "
            "of it, and always where none is"
        ),
    ),
    Metric(
        name="core_complete",
        title="Core complete",
        sentence=(
            "Certificates for all that the programme's requirement asks for. The capstone is no "
            "part of it and never stands in for a course; a requirement of nothing is never met."
        ),
        columns="core_complete, core_certificates, core_missing",
        numerator="Certificates that count; of a choice, no more than it asks for",
        denominator="–",
        window="All runs, in any order, without a time limit",
    ),
    Metric(
        name="programme_complete",
        title="Programme complete",
        sentence="The core complete and, where the programme has a capstone, a certificate in it.",
        columns="complete, completion_run, completed_on, completion_period, completion_days",
        numerator="–",
        denominator="–",
        window=(
            "Since the run of the last certificate needed, dated to its end, else to the day from "
            "which certificates can be had; the period is that year, else the year in the run's "
            "name; days count from the start of the learner's first run in the programme"
        ),
    ),
    Metric(
        name="next_course",
        title="Next course",
        sentence=(
            "The first course in sequence that the requirement still needs even with every "
            "certificate that is awaited, that is not in progress, and that has a run which can be "
            "joined and finished; the capstone after the core. The run is the one that begins next, "
            "and beside it stands one that can be begun at once."
        ),
        columns="next_course, next_run, other_run",
        numerator="–",
        denominator="–",
        window=(
            "The day of the refresh; a run can be joined until enrolment closes, the upgrade deadline, "
            "the end, or unless it is self-paced two weeks after its start, whichever of those known "
            "is first; where only the start is known, until then"
        ),
    ),
    Metric(
        name="verify",
        title="To verify",
        sentence=(
            "Passed a run on a free track, and the upgrade is open until its last day. Nobody who has "
            "left the run or has the course's certificate."
        ),
        columns="nudges: group verify, until",
        numerator="–",
        denominator="–",
        window=(
            "The day of the refresh, in the school's time zone; neither the run's end nor its "
            "certificates are waited for"
        ),
    ),
    Metric(
        name="to_verify_identity",
        title="To verify the identity",
        sentence=(
            "Passed a run on a paid track, by grade or by edX's own word, and edX says that the "
            "identity is not verified. Nobody who has left the run or has the course's certificate."
        ),
        columns="nudges: group identity, until",
        numerator="–",
        denominator="–",
        window="Until the run's verification_deadline, in the school's time zone; without it, never",
    ),
    Metric(
        name="congratulated",
        title="Congratulated",
        sentence=(
            "Completed the programme or, with a capstone to come, the core. With nudges_since only "
            "where that cannot have been before: the certificate that completes it can be had since a "
            "later day, or a report of a later day does not have it yet."
        ),
        columns="nudges: group congratulation, complete",
        numerator="People; of several accounts the one with the lowest id",
        denominator="–",
        window="The day of the refresh; each milestone once",
    ),
    Metric(
        name="to_go_on",
        title="To go on",
        sentence=(
            "Passed a run, with a certificate from the day that there are any or on a free track "
            "after the upgrade has closed, and has a next course to join. Of several runs the one "
            "that is news last."
        ),
        columns="nudges: group next_course, next_course, next_run, until",
        numerator="–",
        denominator="–",
        window="The day of the refresh; nothing that became news before nudges_since",
    ),
    Metric(
        name="nudged",
        title="Gets a letter",
        sentence=(
            "Has one of these reasons, and nothing speaks against a letter: staff, accounts that "
            "were deleted, addresses that cannot be written to, wishes, what was told before, the cap "
            "of {days_capped} days, the lot. The stronger reason comes first: to verify the "
            "identity and then to verify, by the nearest deadline, a congratulation, to go on."
        ),
        columns="nudges: decision, reason",
        numerator="Learners; of one address one, whatever the programmes",
        denominator="–",
        window="The week of the refresh",
    ),
    Metric(
        name="held_out",
        title="Held out",
        sentence=(
            "Would get a letter and was drawn by lot, for good, to get none of the programme's. Only "
            "against them can an effect of letters be told from what would have happened anyway."
        ),
        columns="nudges: decision held_out",
        numerator="–",
        denominator="–",
        window="The week of the refresh",
    ),
    Metric(
        name="effect_of_letters",
        title="Effect of the letters",
        sentence=(
            "Of learners whose first pass came since letters began, the share that began another course in "
            "time: those who may be written to less those held out by lot, whether somebody got a letter or not."
        ),
        columns="–",
        numerator="Of these, joined a run of another course that started within the weeks said",
        denominator=(
            "Learners in each arm of the lot; without those who had begun every course, who joined a run "
            "whose start is not known, or whose accounts were drawn into both"
        ),
        window=(
            "First passes from nudges_since on, all of them followed for the weeks said; 95 % interval of "
            "the difference (Newcombe). Nothing is shown of arms that are too small"
        ),
    ),
    Metric(
        name="days_between_courses",
        title="Days between courses",
        sentence="How long a learner took, on average, from one course's certificate to the next.",
        columns="days_between_courses",
        numerator="Days from the first to the last of the ends of the runs certified",
        denominator="Courses with such a run, less one",
        window="Courses whose certificate is in a run with dates; the first such run of each",
    ),
    Metric(
        name="retention",
        title="Went on to the next course",
        sentence="Of the learners who passed a course, the share that ever began the next.",
        columns="course_retention",
        numerator="Of these, ever enrolled in a run of the next course in sequence",
        denominator="Learners who passed the course on any track",
        window="All runs; the interval is Wilson's, at 95 %",
    ),
    Metric(
        name="time_to_next_course",
        title="Time to the next course",
        sentence=(
            "Of the learners who passed a course, the share that had begun another so many days "
            "after it ended. Who has not yet counts for as long as they could have."
        ),
        columns="time_to_next_course",
        numerator=(
            "Kaplan–Meier: begun is the start of the first later run of a course not begun before"
        ),
        denominator="Learners who passed the course in a run with an end and have courses left",
        window=(
            "From the end of the first run passed to the day of the refresh; the interval is "
            "Greenwood's on the log-log scale, at 95 %"
        ),
    ),
    Metric(
        name="completions",
        title="Completions by year and country",
        sentence=(
            "Learners who completed the programme, each once. Numbers below {shown} are left out, "
            "and so are those from which one could be worked out."
        ),
        columns="programme_completions",
        numerator="Learners with the programme complete",
        denominator="–",
        window="The year of completion; the country as the newest export has it",
    ),
    Metric(
        name="old_rule",
        title="Old rule",
        sentence=(
            "What the notebooks counted: as many courses called eligible as the programme has "
            "besides the capstone, on any track, the capstone counted like any course."
        ),
        columns="eligible_any_track, programme_bridge",
        numerator="Learners with enough courses called eligible in some run",
        denominator="–",
        window="All runs",
    ),
    Metric(
        name="baseline",
        title="Baseline",
        sentence=(
            "What students who did as well in a test at the start got on average: a mean "
            "expectation, which about half of all students fall below. It is no target."
        ),
        columns="baseline, expected",
        numerator="Points of the baseline series; `expected` is rounded where the settings say so",
        denominator="–",
        window="The cohort's series that `[attainment] baseline` names, or its files",
    ),
    Metric(
        name="outcome",
        title="Below, met, exceeded",
        sentence=(
            "The result less the baseline, in grades: below, met ({met}) or exceeded. Until the "
            "{final} is there it is provisional, with the newest series that was sat instead."
        ),
        columns="outcome, difference, compared, provisional",
        numerator="Points of the result − points of the baseline",
        denominator="–",
        window=(
            "The final series; in a subject in which nobody of the cohort has one, the newest series "
            "before it of which somebody has points. U is 0; X and Abs are absent, and no result"
        ),
    ),
    Metric(
        name="value_added",
        title="Value added",
        sentence=(
            "The mean of result less baseline over the students who have both. The interval shows how "
            "far chance alone may have moved it (95 %)."
        ),
        columns="mean_difference, low, high, n, students",
        numerator="Sum of result − baseline",
        denominator="Entries with both (n); each entry is a student in a subject",
        window=(
            "As the outcome; Student's t at 95 % over students. Over all subjects a student's entries "
            "count together: standard error of the ratio of students' sums to their entries"
        ),
    ),
    Metric(
        name="value_added_shrunk",
        title="Value added, shrunk",
        sentence=(
            "The same, drawn towards the mean of all subjects, or of all groups in the subject, the "
            "more the fewer students there are: what a small group shows is mostly luck."
        ),
        columns="shrunk",
        numerator="mu + τ² ÷ (τ² + σ²/n) · (value added − mu)",
        denominator=(
            "σ², how far students differ within subjects or groups, pooled; τ², how far these differ "
            "beyond luck (analysis of variance); mu, their mean weighted by 1 ÷ (τ² + σ²/n)"
        ),
        window="As value added; subjects for everybody, groups among those of one column",
    ),
    Metric(
        name="subject_residual",
        title="Subject residual",
        sentence=(
            "How the subject's students did in it compared with their other subjects, in grades. "
            "Partly this is how hard the subject is marked everywhere."
        ),
        columns="residual, residual_low, residual_high, n_residual",
        numerator="Sum of (result − mean of the same student's other results)",
        denominator="Students of the subject with a result in another one",
        window="Results in the same series; the subject itself is left out of the mean",
    ),
    Metric(
        name="grade_spread",
        title="Distribution of grades",
        sentence="The middle half of the students lies in the box, and the line in it is the median.",
        columns="n, q1, median, q3, lowest, highest, absent",
        numerator="Quartiles, linear between neighbouring grades (type 7)",
        denominator="Students with points in the series; absent ones are counted, not drawn",
        window="One series",
    ),
    Metric(
        name="complete_series",
        title="Matched only",
        sentence=(
            "Only students with a grade in every series that was sat in the subject, so that a change "
            "from one series to the next is not a change of who sat it."
        ),
        columns="complete_series",
        numerator="–",
        denominator="–",
        window="Every series, the baseline included, that anybody has in the subject",
    ),
    Metric(
        name="transitions",
        title="From baseline to result",
        sentence=(
            "Of the students whose baseline was a grade, how many got which. 4 stands for 4 up to, "
            "but not including, 5."
        ),
        columns="attainment_transitions",
        numerator="Entries with this baseline and this result (n)",
        denominator="Entries with this baseline and a result (row_n)",
        window="As the outcome",
    ),
    Metric(
        name="mock_calibration",
        title="What came of a mock",
        sentence="Of the students with a grade in a mock, how many got which in the {final}.",
        columns="mock_calibration",
        numerator="Entries with this grade in the mock and this one in the final (n)",
        denominator="Entries with this grade in the mock and a final (row_n)",
        window="Each series before the final; nothing before there is a final",
    ),
    Metric(
        name="headlines",
        title="9–4 and 9–5 in English and maths",
        sentence=(
            "Students with 4 or better (5 or better) in both, of those with a result in both; English "
            "is the better of language and literature. The DfE counts students without a result as "
            "not having it."
        ),
        columns="both_4, both_5, n, students",
        numerator="Students with 4 or better, or 5 or better, in English and in maths",
        denominator="Students with a result in both (n); students is all of them",
        window="As the outcome; the interval is Wilson's, at 95 %",
    ),
    Metric(
        name="attainment_8",
        title="Attainment 8",
        sentence=(
            "Points of up to ten grades, by the rules of 2024/25: English (doubled where language and "
            "literature are taken) and maths doubled, three EBacc subjects, three others. There is no "
            "Progress 8: students who finish in 2025 and 2026 have no results of key stage 2."
        ),
        columns="attainment_8, average_grade, attainment_measures, attainment_performance",
        numerator=(
            "Better of English language and literature, twice where both have a result; twice maths; "
            "the best three of sciences (combined science is two grades), computer science, geography, "
            "history and languages; the best three of what is left. A slot of nothing is 0"
        ),
        denominator=(
            "Students with a result in any subject (n); the DfE counts the others as 0. `average_grade` "
            "is ÷ 10"
        ),
        window=(
            "As the outcome; 95 % t interval. Not known from a file and not made up: which entries "
            "discount each other, which came first, and which awards besides GCSEs are approved (taken "
            "for approved unless `[attainment] uncounted` names them)"
        ),
    ),
    Metric(
        name="ebacc",
        title="EBacc",
        sentence=(
            "Entered: a result in English language and literature, maths, sciences, geography or history, "
            "and a language. The average point score is over six grades, two of them sciences; what is "
            "missing is 0."
        ),
        columns="ebacc_entered, ebacc_points",
        numerator=(
            "English, the better of two if both have a result; maths; combined science twice, or the best "
            "two of three or four single sciences; geography or history; a language, modern or ancient"
        ),
        denominator="Six; over students as Attainment 8",
        window="As Attainment 8; an absence is no entry. Wilson interval of the share, t interval of the mean",
    ),
    Metric(
        name="last_year",
        title="Against last year",
        sentence=(
            "The cohort beside the one that left a year before, by its name, in the newest exam that both "
            "have sat. The interval shows how far chance alone may have moved the difference (95 %)."
        ),
        columns="attainment_years",
        numerator="Value of this cohort − value of the last",
        denominator="Students of each with a grade in the series (n, last_n)",
        window=(
            "By subject the newest series of the same name in which both have grades; over subjects the "
            "newest that most entries of both have. Welch's interval of means, Newcombe's of shares. No "
            "cohort of the year before, or two: no comparison"
        ),
    ),
    Metric(
        name="forecast",
        title="Forecast",
        sentence=(
            "How many may reach a grade, if this year's mock is as hard and as kindly marked as the earlier "
            "ones were: it becomes a {final} as it did for earlier cohorts. Four times in five the number "
            "lies within the inner interval, 19 times in 20 within the outer."
        ),
        columns="attainment_forecast, forecast_grades",
        numerator=(
            "Draws of each student's final from the conversion of the subject: Dirichlet rows, drawn towards "
            "all subjects where few earlier students had the grade, and moved by how far the subject "
            "differs from the others"
        ),
        denominator="Students with a grade in the mock (n)",
        window=(
            "The newest mock that cohorts of the years before, without a gap, have sat too, with 20 earlier "
            "entries or more; until anybody has the final. With two earlier cohorts or more, how the "
            "conversion moved between them is part of the interval; with one it cannot be, and is assumed "
            "not to"
        ),
    ),
    Metric(
        name="left_out",
        title="Left out",
        sentence="Who is not in a figure: absent, without a result, without a baseline.",
        columns="attainment_left_out, attainment_exclusions",
        numerator="Students of the subject who are not in the figure",
        denominator="–",
        window="Each figure has its own",
    ),
    Metric(
        name="uniqueness",
        title="Told by their subjects",
        sentence=(
            "Students who are the only one with their set of subjects: a row of them would tell who "
            "it is, name or not. The shareable edition has no rows of students, and no numbers below "
            "{fewest}."
        ),
        columns="identified, in_small",
        numerator="Students whose set of subjects nobody else has",
        denominator="Students with a subject",
        window="Subjects with a result in any exam series; a baseline alone is none",
    ),
)

GLOSSARY: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _METRICS})


def definition(name: str, settings: Settings) -> str:
    """The sentence to print beside a metric, as this school's settings have it."""
    notice, attainment = settings.notice, settings.attainment
    return GLOSSARY[name].sentence.format(
        half_days=_half_days(settings.attendance.absent_from),
        late="handed in" if settings.homework.late_counts else "not handed in",
        weeks=FEWEST_WEEKS,
        students=FEWEST_STUDENTS_USUAL,
        share=f"{100 * notice.missed_share:g} %",
        days=notice.missed_from_days,
        letters=FEWEST_DELIVERED,
        shown=FEWEST_SHOWN,
        days_capped=CAP_DAYS,
        met=_met(attainment),
        final=attainment.final,
        fewest=attainment.fewest,
    )


def _half_days(absent_from: float | None) -> str:
    """What a day counts as of which a part was missed."""
    if absent_from is None:
        return "Half days count as halves"
    return f"A day of which {100 * absent_from:g} % or more was missed counts as missed and any other as attended"


def _met(attainment: Attainment) -> str:
    """When a result meets its baseline."""
    rounded = {"none": "", "nearest": " rounded to the nearest grade", "down": " rounded down"}
    baseline = f"the baseline{rounded[attainment.baseline_rounding]}"
    if attainment.tolerance:
        return f"no more than {attainment.tolerance:g} from {baseline}"
    return f"the same as {baseline}"


def definitions(settings: Settings) -> Mapping[str, tuple[str, str]]:
    """Name → title and sentence of every metric."""
    return {name: (metric.title, definition(name, settings)) for name, metric in GLOSSARY.items()}
