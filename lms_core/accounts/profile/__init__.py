"""``/users/me``: how somebody shows themselves, and how that is changed."""
