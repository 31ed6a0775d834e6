// Renders rows as a table in Markdown, and speaks to its worker while it does.
const fs = require('fs');
const os = require('os');
const path = require('path');
const attune = require('attune');

const { rows } = JSON.parse(fs.readFileSync(0, 'utf8'));
const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
const cell = (value) => (value === undefined ? '' : String(value)).replace(/\|/g, '\\|').replace(/\s+/g, ' ');
const line = (cells) => `| ${cells.join(' | ')} |\n`;
attune.progress(30, `${rows.length} rows, ${columns.length} columns`);

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'table-'));
try {
  const file = path.join(folder, 'table.md');
  const body = rows.map((row) => line(columns.map((column) => cell(row[column])))).join('');
  fs.writeFileSync(file, line(columns.map(cell)) + line(columns.map(() => '---')) + body);
  attune.putArtifact(file);
} finally {
  fs.rmSync(folder, { recursive: true });
}
attune.setOutput({ rows: rows.length, columns });
attune.progress(100);
