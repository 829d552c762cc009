"""Duty lists: versioned data, drafted, validated and published as a whole."""
