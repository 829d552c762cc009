"""One function for each use case of this room."""
