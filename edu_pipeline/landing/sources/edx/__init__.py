"""Exports of edX's instructor dashboard: from files to learners and what they have in each run.

Nothing here is about schools; a problem of these exports holds no teacher's letter.
"""
