"""The hypermedia surface: pages, fragments, streams. Every address works without JavaScript where a page can."""
