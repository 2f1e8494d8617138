"""Many networks at once: trials of one network shape go in, one record per trial comes out."""
