# Makes an index of the words of a text, and speaks to its worker while it does.
use strict;
use warnings;
use File::Temp ();
use JSON::PP;
use Attune qw(progress put_artifact set_output_fields);

my $text = decode_json(do { local $/; <STDIN> })->{text};
my (%lines, $number);
for my $line (split /\n/, $text) {
    $number++;
    $lines{$_}{$number} = 1 for lc($line) =~ /[\w']+/g;
}
progress(50, 'found ' . keys(%lines) . ' words');

my $file = File::Temp->new;
binmode $file, ':encoding(UTF-8)';
print {$file} "$_: ", join(', ', sort { $a <=> $b } keys %{ $lines{$_} }), "\n" for sort keys %lines;
$file->flush;
put_artifact($file->filename, 'index.txt');
set_output_fields({ words => scalar keys %lines, lines => $number || 0 });
progress(100);
