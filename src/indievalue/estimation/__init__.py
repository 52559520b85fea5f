"""Population estimates from the people who were asked a question and predictions for everybody else."""
