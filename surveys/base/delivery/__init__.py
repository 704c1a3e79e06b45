"""How anything leaves the building.

message   one mail, as plain values
headers   its header lines as they travel
mail      over SMTP, or as files into DATA_DIR/outbox
client    the one HTTP client, which refuses private addresses
deadline  hangs up on who takes too long in all
memory    keeps mail in a list, for tests
"""
