"""Passwords forgotten, reset and changed."""
