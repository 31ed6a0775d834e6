# Speaks to the Attune worker that runs this action.
#
#   use Attune qw(set_output set_output_fields put_artifact progress get_secret write_log);
#
#   progress(50, 'half of it');
#   put_artifact('report.csv');
#   set_output({ rows => 42 });            # the whole result
#   set_output_fields({ name => 'Ada' });  # these fields of it
#   my $password = get_secret('db-password');
#
# Texts are character strings; a secret is bytes, as it was stored. What cannot be done dies with one line. Nothing but
# Perl's core modules is needed.
package Attune;
use strict;
use warnings;
use Encode ();
use Exporter 'import';
use JSON::PP ();
use POSIX ();

our @EXPORT_OK = qw(set_output set_output_fields put_artifact progress get_secret write_log);

my $json = JSON::PP->new->utf8->allow_nonref;

sub set_output { my ($value) = @_; _call($json->encode($value), qw(output set -)); return }

sub set_output_fields { my ($fields) = @_; _call($json->encode($fields), qw(output set --merge -)); return }

# The path is bytes, as everywhere in Perl.
sub put_artifact {
    my ($path, $name) = @_;
    _call('', qw(artifact put --), (defined $name ? _bytes($name) : ()), $path);
    return;
}

sub progress {
    my ($percent, $message) = @_;
    # Words go by standard input: arguments are seen by every process of the machine.
    _call(defined $message ? _bytes($message) : '', 'progress', $percent, defined $message ? '-' : ());
    return;
}

sub get_secret { my ($name) = @_; return _call('', qw(secret get), _bytes($name)) }

# Level is debug, info, warning or error.
sub write_log { my ($level, $message) = @_; _call(_bytes($message), 'log', $level, '-'); return }

sub _bytes { return Encode::encode('UTF-8', "$_[0]") }

sub _call {
    my ($input, @words) = @_;
    my $agent = $ENV{ATTUNE_AGENT}
        or die "not inside an execution: ATTUNE_AGENT is not set; run this from an action\n";
    pipe(my $in, my $to) && pipe(my $from, my $out) && pipe(my $why_from, my $err) or die "attune-agent cannot be run: $!\n";
    binmode $_ for $to, $from, $why_from;
    my $pid = fork();
    die "attune-agent cannot be run: $!\n" unless defined $pid;
    if (!$pid) {
        # Numbers, not handles: a script may have tied or closed its own.
        POSIX::dup2(fileno $in, 0);
        POSIX::dup2(fileno $out, 1);
        POSIX::dup2(fileno $err, 2);
        { no warnings 'exec'; exec { $agent } $agent, @words; }
        POSIX::_exit(69);
    }
    close $_ for $in, $out, $err;
    {
        # It may end before it has read everything, and says itself why.
        local $SIG{PIPE} = 'IGNORE';
        print {$to} $input;
        close $to;
    }
    # It reads everything before it answers, and complains in one line: neither side ever waits for the other.
    my ($answer, $why) = map { my $handle = $_; local $/; my $text = <$handle>; defined $text ? $text : '' } $from, $why_from;
    waitpid $pid, 0;
    my $status = $?;
    return $answer if $status == 0;
    $why =~ s/\s+\z//;
    die(($why ne '' ? $why : "attune-agent ended with status $status") . "\n");
}

1;
