"""What runs the house: jobs, sensors, runs from the shell, the environment; every room meets here."""
