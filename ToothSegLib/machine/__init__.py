"""What this machine bears: memory, processors, threads, locks."""
