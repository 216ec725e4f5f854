"""The canonical tables: what each column means, once.

Schemas only. They know no source system, no job and no storage; readers in `landing` fill them and
jobs read them. The descriptions here are what the documentation and Dagster's catalogue show.
"""
