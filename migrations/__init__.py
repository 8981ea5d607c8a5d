"""The Alembic environment and the versions of the core's schema."""
