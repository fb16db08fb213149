"""What an editor needs: comments, formatting, schema, completion."""
