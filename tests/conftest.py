"""What all tests share; each plugin is about one thing."""

pytest_plugins = [
    # One that others import comes before them: what is imported earlier is not rewritten for its assertions.
    "tests.plugins.servers",
    "tests.plugins.catalogues",
    "tests.plugins.commands",
    "tests.plugins.browsers",
    "tests.plugins.networks",
    "tests.plugins.damage",
    "tests.plugins.run",
]
