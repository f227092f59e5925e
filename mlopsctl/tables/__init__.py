"""Tables: typed columns, rows as bytes, and the one way this tool opens DuckDB and writes Parquet."""
