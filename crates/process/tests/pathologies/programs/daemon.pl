# Leaves its parent, its session and its name, hears nothing, and tells the parent when it is settled.
# The first argument says whether it goes on holding the output: "holds" or "closes".
use strict;
use warnings;
use POSIX ();

my $output = shift;
pipe(my $told, my $tell) or die;
if (fork) {
    # The root of the tree: end of file says that the daemon is on its own.
    close $tell;
    wait;
    readline $told;
    print "left\n";
    exit 3;
}
POSIX::setsid();
exit 0 if fork;
$0 = 'innocent';
$SIG{$_} = 'IGNORE' for qw(HUP INT QUIT TERM PIPE);
my $keep = fileno $tell;
for my $number (0 .. 255) {
    next if $number == $keep or $output eq 'holds' and $number < 3;
    POSIX::close($number);
}
POSIX::close($keep);
POSIX::pause() while 1;
