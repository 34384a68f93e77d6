"""Ways to write a report as text, one file each, with the constant `FORMAT`."""
