"""Changes of the schema of the database, from the first version on."""
