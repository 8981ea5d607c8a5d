"""What students see of a course: frozen when it is published, kept, compared with the draft, and put back."""
