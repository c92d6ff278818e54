"""Where works come from, one module a kind of source."""
