"""All SQL of this room. Codes sort bytewise, so "inside" is the range [prefix, prefix + ':')."""
