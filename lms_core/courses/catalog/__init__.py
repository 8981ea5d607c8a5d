"""``GET /courses``: what can be taken, filtered, searched and sorted."""
