"""What comes in and goes out over HTTP: one file a resource. Schemas check form; they ask the database nothing."""
