"""The API of Sociocs as this program uses it: one client, and what each answer proves."""
