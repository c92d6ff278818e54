"""The Celery application and its tasks; each calls one function of the library with ids."""
