<?php
// Makes a title fit for an address: lower case, hyphens, and a number behind it when it is taken.
$parameters = json_decode(stream_get_contents(STDIN), true, 16, JSON_THROW_ON_ERROR);
$slug = trim(preg_replace('/[^a-z0-9]+/', '-', strtolower($parameters['title'])), '-') ?: 'untitled';
$free = $slug;
for ($number = 2; in_array($free, $parameters['taken'], true); $number++) {
    $free = "$slug-$number";
}
fwrite(STDERR, $free === $slug ? "it is free\n" : "$slug is taken\n");
echo json_encode(['slug' => $free]), "\n";
