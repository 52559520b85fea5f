"""Chat models as predictors, asked through Inspect AI: any provider, every answer kept."""
