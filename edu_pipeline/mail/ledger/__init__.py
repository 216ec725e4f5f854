"""The ledger: what was queued, approved, sent, opened and refused, kept for good.

`tables` names everything that is kept, `database` opens it and keeps a second sender out, `store`
has the letters and the rules by which their state changes; what is said of recipients (events,
suppressions) stands in modules of its own. Nothing is sent from here, and nothing is known of
schools. Only these modules speak SQL to the ledger, and only SQL that SQLite and PostgreSQL share.
"""
