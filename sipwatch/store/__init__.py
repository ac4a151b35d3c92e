"""What became of calls, kept on disk: a file a day, written beside the capture and read by whoever asks."""
