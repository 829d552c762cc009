"""The examination of a delineation: read, check, and decide what publishing would do."""
