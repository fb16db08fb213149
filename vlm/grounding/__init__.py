"""The forms in which vision-language models write boxes and points, each read to coordinates relative to the image."""
