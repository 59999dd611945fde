"""Work after a commit: readers of the log that are no browsers. `follow.py` reads for them; each is a module."""
