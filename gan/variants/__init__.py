"""Classes and networks beyond the course, one file each."""
