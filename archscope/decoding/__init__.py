"""What decoding would keep, seen as a network runs: the other road to a cache's closed form."""
