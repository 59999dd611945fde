"""What a network does to plain HTTP: measured by a command or by a page, judged in one place."""
