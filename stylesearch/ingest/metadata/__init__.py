"""Reading metadata: inside files and beside them."""
