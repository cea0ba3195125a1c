"""Other systems under the same load: what each is told, and as lean a client for it as for
chatd."""
