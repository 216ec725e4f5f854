"""What is only one source's: its files, its columns, its staging."""
