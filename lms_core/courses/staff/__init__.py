"""Who helps to run a course: co-instructors and teaching assistants, and what each may do there."""
