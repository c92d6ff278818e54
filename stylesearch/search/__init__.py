"""Style search with metadata filters."""
