"""Ways out of the house: each module hands frozen letters to one kind of carrier.

A transport knows how to send and how to find out what became of a letter. Whether a letter may
go, and what is written down about it, is decided in `delivery` and `ledger`.
"""
