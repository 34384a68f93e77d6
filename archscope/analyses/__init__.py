"""Questions that can be asked of a subject, one file each, with the constant `ANALYSIS`."""
