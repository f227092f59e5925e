"""Proof that orchestrators agree: a project run on several of them in throw-away stores, compared step by step."""
