"""Published formats: sets of files whose specification says what their columns and rows mean.

A module here describes one format, `format` what a description is, `recognition` which files are of
which. Nothing is read here but headers and manifests; how rows are read is said as settings.
"""
