"""A stay in a program, as an EpisodeOfCare or what stands for one where an EHR has none."""
