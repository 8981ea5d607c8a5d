"""What becomes of a course as a whole: taken back, put away, deleted, brought back, copied."""
