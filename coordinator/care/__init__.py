"""The nouns of care, a folder per concept: what a record of an EHR says, in the field's words.

In come documents as they were received; out go frozen records of one concept and answers to pure questions about it.
A concept never touches the world, never knows another concept, and never rebuilds a document from its records: it
patches the one that was received.
"""
