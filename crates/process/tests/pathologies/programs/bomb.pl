# Forks as fast as it can until as many processes as the first argument says are there. Each leads a session of its own
# and ignores SIGTERM. Three more change their number all the time: each is a child that goes on where its parent ends.
# The root ends with 9 when the file of the second argument is there.
use strict;
use warnings;
use POSIX ();

my ($count, $gate) = @ARGV;
pipe(my $take, my $give) or die;
syswrite $give, 'x' x $count;
$SIG{TERM} = 'IGNORE';
$| = 1;
my $root = $$;
for (1 .. 3) {
    next if fork;
    POSIX::setsid();
    while (1) {
        my $child = fork;
        exit 0 if $child;
        select undef, undef, undef, 0.002;
    }
}
print "up\n";
my $budget = $count;
while (sysread $take, my $one, 1) {
    my $child = fork;
    POSIX::setsid() if defined $child and not $child;
    # The root has to look for the gate, so it leaves the last ones to the others.
    last if $$ == $root and --$budget < $count / 2;
}
while (1) {
    exit 9 if $$ == $root and defined $gate and -e $gate;
    select undef, undef, undef, 0.05;
}
