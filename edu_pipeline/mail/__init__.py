"""The mail room: takes letters, keeps a ledger of them, delivers each at most once.

It knows nothing about schools: jobs hand over letter objects. Dagster is only in `assets`.
"""
