"""HTML: templates, and what they show."""
