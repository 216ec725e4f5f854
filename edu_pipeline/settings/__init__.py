"""`pipeline.toml`, validated: a part per job, and the home that it describes."""
