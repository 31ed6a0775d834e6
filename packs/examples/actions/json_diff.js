// Compares two JSON values with nothing but the language itself.
const { before, after } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const changes = [];

const isTree = (value) => value !== null && typeof value === 'object';
const join = (path, key) => `${path}/${String(key).replace(/~/g, '~0').replace(/\//g, '~1')}`;

function compare(path, older, newer) {
  if (isTree(older) && isTree(newer) && Array.isArray(older) === Array.isArray(newer)) {
    for (const key of new Set([...Object.keys(older), ...Object.keys(newer)])) {
      if (!Object.hasOwn(newer, key)) changes.push({ path: join(path, key), kind: 'removed', before: older[key] });
      else if (!Object.hasOwn(older, key)) changes.push({ path: join(path, key), kind: 'added', after: newer[key] });
      else compare(join(path, key), older[key], newer[key]);
    }
  } else if (JSON.stringify(older) !== JSON.stringify(newer)) {
    changes.push({ path: path || '/', kind: 'changed', before: older, after: newer });
  }
}

compare('', before, after);
console.error(`${changes.length} changes`);
console.log(JSON.stringify({ equal: changes.length === 0, changes }));
