"""``chatctl top``: the operator's screen. ``views.py`` says what can be looked at, ``screen.py``
shows it; the rest of chatctl does not know Textual."""
