"""Theme and rendering of charts, for every job: Altair templates to PNG on all cores."""
