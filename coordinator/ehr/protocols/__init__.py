"""What is said between us and an EHR, as generators: requests out, replies in; no socket, no clock, no chance."""
