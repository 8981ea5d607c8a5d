"""The revisions of the core's schema, oldest first."""
