"""Predictors of questions that nobody answered, from the embeddings of what questions ask and their options say.

``scales`` questions as numbers · ``texts`` their embeddings · ``kernel`` what texts tell of means and covariances ·
``predictor`` the predictor ``embedding`` · ``similar_majority`` its rival, the majority of similar questions.
"""
