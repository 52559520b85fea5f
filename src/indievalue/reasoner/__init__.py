"""Reasoners: language models that are fine-tuned to foresee what a person says.

``recipe`` what a training set is made of · ``draw`` who is asked what, as arrays · ``conversations`` the text ·
``folder`` a training set on disk · ``leaks`` nobody is trained on who is tested · ``settings`` a training's YAML ·
``tokens`` what the model reads, and which tokens teach · ``validation`` accuracy while training · ``training`` the
training itself · ``card`` what is written beside the model. ``tokens``, ``validation`` and ``training`` need the
``train`` extra.
"""
