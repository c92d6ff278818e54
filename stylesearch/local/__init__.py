"""The one-machine default: PostgreSQL with pgvector and Valkey as child processes from pip wheels."""
