use strict;
use warnings;

select undef, undef, undef, $ENV{ATTUNE_PARAM_SECONDS};
print "{\"runtime\": \"perl\"}\n";
