"""`manage.py provision FILE.toml`: subscribers, lines and people as a file says; reading.py checks it, applying.py does it."""
