"""Pictures of reports, records and networks' diagrams: no computing, no files, no model."""
