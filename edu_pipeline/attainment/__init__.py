"""A cohort's exam results: outcomes against a baseline, how they look, the page about them."""
