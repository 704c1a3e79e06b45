"""Events to other systems: who wants to hear of which (`telling`), and how they reach them (`calling`)."""
