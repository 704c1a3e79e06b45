"""An invented year of an outdoor shop, to look around in.

phrases.json  what its customers write, by language, topic and mood
year          what happens in the year, from a seed
filling       writing it into the database
"""
