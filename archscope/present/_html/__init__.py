"""The HTML page: one file that opens offline, made of saved reports and of nothing else."""
