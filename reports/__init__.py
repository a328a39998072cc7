"""The HTML report: history in, pages out; see ``reports.render.write_report``."""
