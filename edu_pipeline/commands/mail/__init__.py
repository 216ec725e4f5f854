"""`edu-pipeline mail`: looking at letters, approving and sending them, and whom not to write to.

What may happen to a letter stands in `edu_pipeline.mail`; here it is asked for and told.
"""
