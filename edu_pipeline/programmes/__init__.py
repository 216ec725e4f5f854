"""The programmes job: who completed what, what comes next, and what a programme's team reads."""
