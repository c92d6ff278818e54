"""Taking collections in: sources, the ledger, the pipeline."""
