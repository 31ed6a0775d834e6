//! Exit codes that are not the action's own. They follow `sysexits.h`, `timeout(1)` and the shells.

/// The command line, a parameter, a pack or the configuration cannot be used. Nothing was started.
pub(crate) const BAD_INPUT: u8 = 64;
/// What was looked at is not as it should be, such as a case of `attune pack test`.
pub(crate) const FAILED: u8 = 1;
/// A server, a database, a broker or an interpreter that is needed is not there.
pub(crate) const UNAVAILABLE: u8 = 69;
/// A supervisor gave up, or something happened that is a bug.
pub(crate) const GAVE_UP: u8 = 70;
/// Whether the action took effect is unknown.
pub(crate) const UNKNOWN: u8 = 75;
/// Ctrl-C, or another request to end.
pub(crate) const INTERRUPTED: u8 = 130;

/// The table in `attune --help`.
pub(crate) const TABLE: &str = "\
Exit codes:
  0    it completed
  1..  the action's own exit code
  64   bad input: command line, parameters, pack or configuration; nothing was started
  65   the action's result is not what it promised
  69   a server, database, broker or interpreter is not available
  70   a fault inside Attune
  75   unknown whether it took effect (its worker vanished or was shut down)
  124  it ran longer than its timeout
  126  it could not be executed
  128+n  signal n ended it
  130  interrupted or cancelled";
