"""Getting the bytes that a locator leads to: from files, from shards, from the web."""
