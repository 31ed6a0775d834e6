//! What the helper says about itself.

/// The first words that are the helper's.
pub(super) const WORDS: [&str; 5] = ["output", "artifact", "progress", "secret", "log"];

/// Of the whole.
pub(super) const ALL: &str = "\
Speaks to the worker that runs this action. Nothing but this program is needed: no jq, no curl, no network.

  attune-agent output set NAME=TEXT...       fields of the result (NAME:=JSON for anything but text)
  attune-agent output set JSON               the whole result
  attune-agent artifact put [NAME] PATH      keeps a file
  attune-agent progress PERCENT [MESSAGE]    says how far the action is
  attune-agent secret get NAME               prints a secret
  attune-agent log LEVEL MESSAGE             a line in the log of the execution

`attune-agent WORD --help` says more. Called without a word, and outside of an action, attune-agent is the worker
itself: see `attune-agent --help` there.

It works in everything that an action starts, as long as descriptor 3 stays open: python's subprocess closes it
(pass_fds=(3,) keeps it), and `exec 3>...` in a shell takes its place. In Python, Node, Ruby and Perl the module
`attune` does the same; in a shell: . \"$ATTUNE_SHELL_LIB\".

Exit codes: 0 done, 1 the worker refused, 64 wrong use, 69 not inside an execution, or it has ended.
";

/// Of `output`.
pub(super) const OUTPUT: &str = "\
Sets the result of the execution.

  attune-agent output set NAME=TEXT NAME:=JSON ...   puts these fields into the result
  attune-agent output set JSON                       the whole result, in place of what was set before
  attune-agent output set -                          the same, read from standard input
  attune-agent output set --merge -                  the fields of an object read from standard input

Fields of several calls gather; of one name, the last counts. The whole may have 1 MiB as JSON. A result that is set
this way wins over the file in ATTUNE_RESULT_FILE and over standard output.

  attune-agent output set host=\"$(hostname)\" rows:=42 tags:='[\"a\", \"b\"]'
  df --output=target | tail -n 1 | attune-agent output set disk=\"$(cat)\"
";

/// Of `artifact`.
pub(super) const ARTIFACT: &str = "\
Keeps a file of this execution. It is stored as it is now; what happens to it later does not matter.

  attune-agent artifact put PATH          under the file's own name
  attune-agent artifact put NAME PATH     under another; NAME may have folders: reports/2024.csv

The file is opened here, with the rights of the action. Only regular files can be kept.
";

/// Of `progress`.
pub(super) const PROGRESS: &str = "\
Says how far the action is, from 0 to 100. The log shows at most four reports a second, and always the last.

  attune-agent progress 40
  attune-agent progress 40 reading page 4 of 10
  attune-agent progress 40 - < FILE

The message - is on standard input, where no other process reads it.
";

/// Of `secret`.
pub(super) const SECRET: &str = "\
Prints a secret that the action declares (`secrets: [NAME]`), exactly as it was stored, without a line end.

  password=$(attune-agent secret get db-password) || exit 1

Keep it out of arguments and of the environment of other programs: both can be read by others. Standard input cannot.
";

/// Of `log`.
pub(super) const LOG: &str = "\
Writes a line into the log of the execution, apart from standard output and standard error.

  attune-agent log warning disk is nearly full
  attune-agent log info - < FILE

The message - is on standard input, where no other process reads it. LEVEL is debug, info, warning or error.
";
