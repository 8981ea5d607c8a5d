"""The ways into a course that come with the product; each module is a plugin of its own."""
