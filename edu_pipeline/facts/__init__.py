"""SQL that reduces rows by the million to small tables, for every job.

No metric is defined here: facts are counts and sums that add up; `metrics` modules divide them.
"""
