"""Parametrised networks, one file each: a spec, and the constant `FAMILY`. No torch at import."""
