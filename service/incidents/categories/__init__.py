"""Categories of incidents: versioned data, drafted, validated and published as a whole."""
