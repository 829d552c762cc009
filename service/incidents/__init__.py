"""Incidents from discovery to follow-up (clause 23.2)."""
