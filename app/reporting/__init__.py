"""What recorded runs say of their questions: how often, how fast, how dear, how sure and how right."""
