"""What every test database holds: see `service.seed` for the product's own loader."""

from __future__ import annotations


def load_base_data(url: str) -> None:
    """Load divisions, grids, categories and units into a migrated database."""
