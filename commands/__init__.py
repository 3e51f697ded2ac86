"""The command line: what its commands share, and commands that need no running gateway."""
