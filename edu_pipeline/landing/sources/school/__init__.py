"""A school's exports: students, staff, classes, enrollments, attendance, homework, calendar."""
