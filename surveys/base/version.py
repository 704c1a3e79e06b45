"""Which Earshot this is. Nothing else in the project says so by itself."""

VERSION = "0.2.0"
