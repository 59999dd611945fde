"""The engine: from the log to encoded frames to many readers."""
