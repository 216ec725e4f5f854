"""Exports of exam results, as dirty as they come: from bytes to results, students and problems.

All but `assets` is pure, so that the command without a home reads files in the same way. A problem of
these exports holds no teacher's letter.
"""
