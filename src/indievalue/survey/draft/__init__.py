"""A first draft of a survey specification, from what a data file says of itself."""
