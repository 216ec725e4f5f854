"""From bytes to canonical staging: listing, decoding, mapping, rejecting.

One module per kind of source; no job and no metric is known here.
"""
