"""How fast networks train here and with other tools: `python -m bench`, from the root of the repository."""
