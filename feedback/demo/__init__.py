"""An invented year of an outdoor shop, to look around in.

bag       what its customers write: a file a language in `comments/`, by matter and kind
year      what happens in the year, from a seed
filling   writing it into the database
"""
