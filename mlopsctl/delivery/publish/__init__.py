"""What a commit's run proved, as checks that a forge can show beside the commit."""
