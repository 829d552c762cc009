"""Several on one case: community calls, sub-orders, duplicates and merging."""
