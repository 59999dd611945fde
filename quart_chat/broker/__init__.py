"""Carries committed events to the feeds. It may lose or reorder them: a feed sees the gap and reads the store."""
