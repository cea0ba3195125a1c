"""Tokens that were revoked. Nodes keep the list, and gateways go by it."""
