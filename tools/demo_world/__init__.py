"""The world of the demonstration, as a program writes it: invented people, stories, synthetic visits around them."""
