"""What a township or a community may be asked to do, and approval of what lies outside of it."""
