"""What is said of chance and of small numbers."""
