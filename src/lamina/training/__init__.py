"""The one loop, and what it is made of; it knows no architecture and no task."""
