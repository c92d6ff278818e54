"""The catalogue: tables, vocabulary, connections, and writers, in PostgreSQL with pgvector."""
