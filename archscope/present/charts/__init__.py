"""Pictures of a report's sections: one file each, with the constant `CHART`."""
