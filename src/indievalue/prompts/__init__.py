"""What a language model reads about a person, and how its answer is read."""
