"""Model classes beyond the course, one file each."""
