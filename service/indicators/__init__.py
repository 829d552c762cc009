"""Figures across rooms: indicators by area, period and category, kept as cases change."""
