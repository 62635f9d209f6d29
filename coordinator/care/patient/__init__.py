"""The person as one EHR knows them: names, birth date, identifiers, ways to reach them."""
