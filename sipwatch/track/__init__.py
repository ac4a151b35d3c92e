"""Messages to events: legs, calls, dialogs, timers. Knows nothing of outcomes or peers."""
