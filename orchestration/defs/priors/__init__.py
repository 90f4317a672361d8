"""Priors: what finished tests teach about the effects of the next."""
