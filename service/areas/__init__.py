"""Divisions, grids, their codes, versions, lineage and delineations (clause 23.2)."""
