"""The order of modules and lessons: rearranged as a whole, moved, and taken out of the draft."""
