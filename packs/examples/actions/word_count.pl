# Counts words with Perl alone: no module, so that the smallest Perl of an image will do (Debian's perl-base has no JSON).
use strict;
use warnings;

my ($text, $most) = @ENV{qw(ATTUNE_PARAM_TEXT ATTUNE_PARAM_TOP)};
my %count;
my $words = 0;
# Nothing that this finds needs a backslash in JSON.
for my $word (lc($text) =~ /[a-z0-9_']+/g) { $count{$word}++; $words++ }
my @by_frequency = sort { $count{$b} <=> $count{$a} or $a cmp $b } keys %count;
splice @by_frequency, $most if @by_frequency > $most;
my @top = map { qq({"word":"$_","count":$count{$_}}) } @by_frequency;
print '{"words":', $words, ',"top":[', join(',', @top), "]}\n";
