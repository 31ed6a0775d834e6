// The same as index.js, for `import`.
import attune from './index.js';

export default attune;
export const {
  AttuneError, NotInExecution, Refused,
  getSecret, getSecretBytes, log, progress, putArtifact, setOutput, setOutputFields,
} = attune;
