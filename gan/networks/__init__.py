"""Generators and discriminators beyond the course, one pair in each file."""
