"""Pure geography: codes, coordinates, projections. No web and no database in here."""
