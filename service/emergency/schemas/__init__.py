"""What crosses the wire about emergencies."""
