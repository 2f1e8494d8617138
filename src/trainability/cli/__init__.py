"""The command line. It reads flags, shows progress and prints; everything else is asked of `trainability.api`."""
