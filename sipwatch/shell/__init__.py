"""What surrounds the daemon: its rights, its service manager, its log. Knows the engine's values, not the engine."""
