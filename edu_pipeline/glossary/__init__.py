"""Every metric once, and the pages of docs/ made from the code."""
