# Counts words with nothing but Perl's core modules.
use strict;
use warnings;
use JSON::PP;

my $parameters = decode_json(do { local $/; <STDIN> });
my %count;
my $words = 0;
for my $word (lc($parameters->{text}) =~ /[\w']+/g) { $count{$word}++; $words++ }
my @by_frequency = sort { $count{$b} <=> $count{$a} or $a cmp $b } keys %count;
splice @by_frequency, $parameters->{top} if @by_frequency > $parameters->{top};
print encode_json({ words => $words, top => [map { { word => $_, count => $count{$_} } } @by_frequency] }), "\n";
