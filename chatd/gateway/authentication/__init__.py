"""Tokens and the identities that they show: a chain of authenticators, asked one after the other
(``chain.py``)."""
