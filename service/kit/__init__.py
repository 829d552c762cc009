"""What every room uses; it knows no room."""
