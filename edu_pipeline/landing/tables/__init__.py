"""Bytes to records: encodings, CSV as systems write it, workbooks, dates."""
