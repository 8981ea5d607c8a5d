"""Signing in and staying so: passwords, sessions, rotating refresh tokens, cookies."""
