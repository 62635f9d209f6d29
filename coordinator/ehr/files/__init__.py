"""Files where there is no FHIR: rows of CSV and HL7 v2 messages, read as FHIR documents with their provenance.

What goes out are lines as an NDJSON file would have them, each a document or a fault with its reason. A row or message
that can't be read is kept whole; nothing in it is guessed.
"""

from coordinator.ehr.files.adt import Adt, folded, joined, read_adt
from coordinator.ehr.files.csv_rows import CsvMap, read_csv_map, read_rows_of_csv

__all__ = ["Adt", "CsvMap", "folded", "joined", "read_adt", "read_csv_map", "read_rows_of_csv"]
