"""A site with a room in its pages, to look at and to copy from: `make demo`."""
