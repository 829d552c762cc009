"""All SQL of emergencies."""
