"""Sums up a CSV text with nothing but the standard library."""
import csv
import io
import json
import sys

parameters = json.load(sys.stdin)
rows = list(csv.DictReader(io.StringIO(parameters["csv"]), delimiter=parameters.get("delimiter", ",")))
columns = {}
for name in rows[0] if rows else ():
    try:
        numbers = [float(row[name]) for row in rows if row[name] not in (None, "")]
    except ValueError:
        continue
    if numbers:
        columns[name] = {
            "count": len(numbers),
            "minimum": min(numbers),
            "maximum": max(numbers),
            "mean": sum(numbers) / len(numbers),
        }
print(f"{len(rows)} rows, {len(columns)} columns of numbers", file=sys.stderr)
json.dump({"rows": len(rows), "columns": columns}, sys.stdout)
