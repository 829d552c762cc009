"""Emergencies: plans, activations and drills, resources with live stock, tracks while it lasts."""
