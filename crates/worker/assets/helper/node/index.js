// Speaks to the Attune worker that runs this action.
//
//   const attune = require('attune');                                  // CommonJS
//   const attune = await import(process.env.ATTUNE_NODE_MODULE);       // ES modules
//
//   attune.progress(50, 'half of it');
//   attune.putArtifact('report.csv');
//   attune.setOutput({ rows: 42 });            // the whole result
//   attune.setOutputFields({ name: 'Ada' });   // these fields of it
//   const password = attune.getSecret('db-password');
//
// Every call returns when it is done. What the worker refuses throws attune.Refused; that there is no worker to ask
// throws attune.NotInExecution. Nothing but Node.js itself is needed.
'use strict';

const { spawnSync } = require('child_process');

class AttuneError extends Error {
  constructor(message) {
    super(message);
    this.name = this.constructor.name;
  }
}
class Refused extends AttuneError {}
class NotInExecution extends AttuneError {}

function call(words, input) {
  const agent = process.env.ATTUNE_AGENT;
  if (!agent) throw new NotInExecution('not inside an execution: ATTUNE_AGENT is not set; run this from an action');
  const socket = Number(process.env.ATTUNE_HELPER_FD || 3);
  const stdio = ['pipe', 'pipe', 'pipe'];
  while (stdio.length < socket) stdio.push('ignore');
  stdio.push(socket);
  const called = spawnSync(agent, words, { input: input === undefined ? '' : input, stdio, maxBuffer: 16 << 20 });
  // EPIPE: it ended before it had read all of its input, and says itself why.
  if (called.error && (called.error.code !== 'EPIPE' || called.status === null)) {
    throw new NotInExecution(`${agent} cannot be run: ${called.error.message}`);
  }
  if (called.status === 0) return called.stdout;
  const why = called.stderr.toString().trim() || `the helper ended with ${called.status || called.signal}`;
  throw new (called.status === 1 || called.status === 64 ? Refused : NotInExecution)(why);
}

function json(value) {
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError('the result must be a JSON value');
  return text;
}

function setOutput(value) {
  call(['output', 'set', '-'], json(value));
}

function setOutputFields(fields) {
  call(['output', 'set', '--merge', '-'], json(fields));
}

function putArtifact(path, name) {
  call(['artifact', 'put', '--', ...(name === undefined ? [] : [name]), String(path)]);
}

function progress(percent, message) {
  // Words go by standard input: arguments are seen by every process of the machine.
  if (message === undefined) call(['progress', String(percent)]);
  else call(['progress', String(percent), '-'], String(message));
}

function getSecretBytes(name) {
  return call(['secret', 'get', name]);
}

function getSecret(name) {
  return getSecretBytes(name).toString('utf8');
}

function log(level, message) {
  call(['log', level, '-'], String(message));
}

module.exports = {
  AttuneError, NotInExecution, Refused,
  getSecret, getSecretBytes, log, progress, putArtifact, setOutput, setOutputFields,
};
