"""Questions about images and the models that answer them: words and pixels, never metres of a robot."""
