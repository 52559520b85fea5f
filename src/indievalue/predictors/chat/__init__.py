"""Chat models of any provider as predictors, through Inspect AI; every answer is stored."""
