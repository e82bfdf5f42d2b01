"""What every HTML page of ours has: a shell that nothing gets out of, one look, messages drawn as phones show them."""
