"""Pages for people that tie the rooms together. Nothing is computed or decided here."""
