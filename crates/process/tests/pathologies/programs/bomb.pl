# Forks as fast as it can until as many processes as the first argument says are there. Each leads a session of its own
# and ignores SIGTERM. One more changes its number all the time: a child that goes on where its parent ends.
# The root ends with 9 when the file of the second argument is there.
use strict;
use warnings;
use POSIX ();

my ($count, $gate) = @ARGV;
pipe(my $take, my $give) or die;
syswrite $give, 'x' x $count;
$SIG{TERM} = 'IGNORE';
$| = 1;
if (not fork) {
    POSIX::setsid();
    while (1) {
        exit 0 if fork;
        select undef, undef, undef, 0.005;
    }
}
if (not fork) {
    while (sysread $take, my $one, 1) {
        my $child = fork;
        POSIX::setsid() if defined $child and not $child;
    }
    POSIX::pause() while 1;
}
print "up\n";
while (1) {
    exit 9 if defined $gate and -e $gate;
    select undef, undef, undef, 0.05;
}
