"""A stand-in of an OpenAI server. A person plays the model on its page, or a script answers."""
