"""Which schema describes which table: for Dagster's catalogue and for the documentation."""

from collections.abc import Mapping
from types import MappingProxyType

import dataframely as dy

from edu_pipeline.model.attainment import (
    AttainmentDisagreements,
    AttainmentExclusions,
    AttainmentFiles,
    AttainmentHeadlines,
    AttainmentLeftOut,
    AttainmentNotes,
    AttainmentOutcomes,
    AttainmentProgress,
    AttainmentSubjects,
    AttainmentTransitions,
    AttainmentUniqueness,
    CohortStudents,
    MockCalibration,
    ResultGroups,
    Results,
    StatedDifferences,
)
from edu_pipeline.model.completion import (
    CertificateDifferences,
    CertificateReconciliation,
    CourseCompletion,
    CourseRetention,
    ExportInventory,
    ProgrammeBridge,
    ProgrammeCompletions,
    ProgrammeFunnel,
    ProgrammeProgress,
    ProgrammeRuns,
    TimeToNextCourse,
)
from edu_pipeline.model.facts import Attendance, Homework
from edu_pipeline.model.mail import CampaignEngagement, LandedEvents
from edu_pipeline.model.nudges import Nudges, NudgeSummary
from edu_pipeline.model.programmes import (
    CourseRuns,
    EdxExports,
    FormerAddresses,
    Learners,
    OptInLists,
    OptIns,
    RunResults,
)
from edu_pipeline.model.quality import (
    LandingChanges,
    LandingFates,
    LandingFiles,
    LandingProblems,
    MailGate,
    RejectedRows,
)
from edu_pipeline.model.roster import Classes, Enrollments, SchoolDays, Staff, Students
from edu_pipeline.model.teachers import (
    ClassWeek,
    GradeWeek,
    SchoolTerm,
    SchoolWeek,
    StudentAttendance,
    StudentHomework,
    StudentOfWeek,
    TeacherWeek,
)

SCHEMAS: Mapping[str, type[dy.Schema]] = MappingProxyType(
    {
        "landing_files": LandingFiles,
        "stg_students": Students,
        "stg_staff": Staff,
        "stg_classes": Classes,
        "stg_enrollments": Enrollments,
        "stg_school_days": SchoolDays,
        "stg_attendance": Attendance,
        "stg_homework": Homework,
        "edx_exports": EdxExports,
        "opt_in_lists": OptInLists,
        "stg_learners": Learners,
        "stg_former_addresses": FormerAddresses,
        "stg_opt_ins": OptIns,
        "stg_run_results": RunResults,
        "course_runs": CourseRuns,
        "programme_runs": ProgrammeRuns,
        "course_completion": CourseCompletion,
        "programme_progress": ProgrammeProgress,
        "programme_funnel": ProgrammeFunnel,
        "course_retention": CourseRetention,
        "time_to_next_course": TimeToNextCourse,
        "programme_completions": ProgrammeCompletions,
        "programme_bridge": ProgrammeBridge,
        "certificate_reconciliation": CertificateReconciliation,
        "certificate_differences": CertificateDifferences,
        "export_inventory": ExportInventory,
        "nudges": Nudges,
        "nudge_summary": NudgeSummary,
        "nudge_problems": LandingProblems,
        "attainment_files": AttainmentFiles,
        "stg_results": Results,
        "cohort_students": CohortStudents,
        "result_groups": ResultGroups,
        "stated_differences": StatedDifferences,
        "attainment_notes": AttainmentNotes,
        "attainment_outcomes": AttainmentOutcomes,
        "attainment_subjects": AttainmentSubjects,
        "attainment_progress": AttainmentProgress,
        "attainment_transitions": AttainmentTransitions,
        "mock_calibration": MockCalibration,
        "attainment_headlines": AttainmentHeadlines,
        "attainment_left_out": AttainmentLeftOut,
        "attainment_exclusions": AttainmentExclusions,
        "attainment_uniqueness": AttainmentUniqueness,
        "attainment_disagreements": AttainmentDisagreements,
        "rejected_rows": RejectedRows,
        "landing_changes": LandingChanges,
        "landing_fates": LandingFates,
        "landing_problems": LandingProblems,
        "class_week": ClassWeek,
        "teacher_week": TeacherWeek,
        "grade_week": GradeWeek,
        "school_week": SchoolWeek,
        "school_term": SchoolTerm,
        "students_of_week": StudentOfWeek,
        "student_attendance": StudentAttendance,
        "student_homework": StudentHomework,
        "mail_gate": MailGate,
        "campaign_engagement": CampaignEngagement,
        "landed_events": LandedEvents,
    }
)
