"""The report on a page: one self-contained HTML file, or Markdown."""
